-- Studies and series tell the time zone of their dates and times, where all their instances agree on one. Where they do
-- not, a reindex finds the instance that the row shows.
UPDATE series SET attributes = json_set(attributes, '$.00080201', zone) FROM (
    SELECT instance.series AS id, min(json_extract(instance.attributes, '$.00080201')) AS zone FROM instance
    GROUP BY instance.series
    HAVING count(DISTINCT ifnull(json_extract(instance.attributes, '$.00080201'), '')) = 1
) AS agreed WHERE series.id = agreed.id AND zone IS NOT NULL;

UPDATE study SET attributes = json_set(attributes, '$.00080201', zone) FROM (
    SELECT series.study AS id, min(json_extract(series.attributes, '$.00080201')) AS zone FROM series
    GROUP BY series.study
    HAVING count(DISTINCT ifnull(json_extract(series.attributes, '$.00080201'), '')) = 1
) AS agreed WHERE study.id = agreed.id AND zone IS NOT NULL;
