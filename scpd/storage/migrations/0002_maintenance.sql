-- A digest says what made it: eight bytes of name before the 32 that were kept until now, as in the files themselves.
UPDATE instance SET digest = CAST(X'626C616B65330000' || digest AS BLOB);
UPDATE quarantine SET digest = CAST(X'626C616B65330000' || digest AS BLOB);

-- Objects are kept aside for more than one reason now.
ALTER TABLE quarantine ADD COLUMN reason TEXT NOT NULL DEFAULT 'another object holds this SOP Instance UID';

-- How far `scpd verify` has come: rows of a table are read in the order of their ids.
CREATE TABLE verification (
    name TEXT PRIMARY KEY,
    after_id INTEGER NOT NULL,
    checked INTEGER NOT NULL,
    failed INTEGER NOT NULL
);
