-- A study row shows the patient as this study knows it; patients are made of study rows when somebody asks for them.
-- Key columns are normalized for matching (see sqlite_rows.py); `attributes` is what queries are answered from.
CREATE TABLE study (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    patient TEXT NOT NULL,
    patient_id TEXT NOT NULL,
    patient_name TEXT NOT NULL,
    study_date TEXT NOT NULL,
    accession_number TEXT NOT NULL,
    patient_attributes TEXT NOT NULL,
    attributes TEXT NOT NULL
);
CREATE INDEX study_by_patient ON study (patient);
CREATE INDEX study_by_patient_id ON study (patient_id);
CREATE INDEX study_by_patient_name ON study (patient_name);
CREATE INDEX study_by_date ON study (study_date);
CREATE INDEX study_by_accession_number ON study (accession_number);

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    study INTEGER NOT NULL REFERENCES study (id),
    uid TEXT NOT NULL,
    modality TEXT NOT NULL,
    attributes TEXT NOT NULL,
    UNIQUE (study, uid)
);
CREATE INDEX series_by_study ON series (study);
CREATE INDEX series_by_uid ON series (uid);

-- `series` is NULL for objects that belong to no patient: they are kept, and no query finds them.
CREATE TABLE instance (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    series INTEGER REFERENCES series (id),
    sop_class_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    digest BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    location TEXT NOT NULL,
    damaged INTEGER NOT NULL,
    received_at REAL NOT NULL,
    calling_ae_title TEXT NOT NULL,
    called_ae_title TEXT NOT NULL,
    attributes TEXT NOT NULL
);
CREATE INDEX instance_by_series ON instance (series);

-- Objects kept aside because others hold their UIDs. No query finds them.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    digest BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    location TEXT NOT NULL,
    damaged INTEGER NOT NULL,
    received_at REAL NOT NULL,
    calling_ae_title TEXT NOT NULL,
    called_ae_title TEXT NOT NULL,
    attributes TEXT NOT NULL,
    UNIQUE (uid, digest)
);
