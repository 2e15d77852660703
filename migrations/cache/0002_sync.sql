-- What sync needs to be proved, mended and looked into.

-- Revisions held here, for comparing with the remote's.
CREATE INDEX history_by_rev ON history (rev) WHERE rev IS NOT NULL;
CREATE INDEX conflicts_by_rev ON conflicts (rev) WHERE rev IS NOT NULL;
-- Deleted entries wait here for their collection.
CREATE INDEX history_deleted ON history (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX set_aside_by_rev ON set_aside (rev);

-- A conflict can be settled afterwards, from any machine.
ALTER TABLE conflicts ADD COLUMN omitted TEXT;         -- JSON array: values left out because they are too large to travel
ALTER TABLE conflicts ADD COLUMN resolved_at INTEGER;
ALTER TABLE conflicts ADD COLUMN resolution TEXT;      -- 'local', 'remote' or 'merge'
ALTER TABLE conflicts ADD COLUMN resolved_by TEXT;     -- user, or machine id where no user is configured
CREATE INDEX conflicts_open ON conflicts (timestamp) WHERE resolved_at IS NULL AND deleted_at IS NULL AND purged_at IS NULL;

-- Marks of the remote's history that were seen. One that the remote no longer has: it was restored from an older copy.
CREATE TABLE marks (
  rev  INTEGER PRIMARY KEY,
  mark TEXT NOT NULL,
  kept INTEGER NOT NULL              -- whether the remote keeps it when it forgets others
) STRICT;

-- Who changed what, here and elsewhere. Names of fields, never their values.
CREATE TABLE audit (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  at          INTEGER NOT NULL,      -- ms since the epoch
  action      TEXT NOT NULL,
  record_kind TEXT,
  record_id   TEXT,
  machine_id  TEXT NOT NULL,         -- where it was done
  user        TEXT,                  -- null where it is not known here
  details     TEXT                   -- JSON object
) STRICT;
CREATE INDEX audit_by_record ON audit (record_id) WHERE record_id IS NOT NULL;

-- Comparisons with the remote, newest last.
CREATE TABLE reconciliations (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  started_at    INTEGER NOT NULL,
  reason        TEXT NOT NULL,
  content       INTEGER NOT NULL,    -- whether contents were compared too
  repair        INTEGER NOT NULL,    -- whether differences were to be mended
  outcome       TEXT NOT NULL,       -- 'equal', 'mended', 'differs' or 'failed'
  compared      INTEGER NOT NULL,    -- records of the remote
  local         TEXT NOT NULL,       -- JSON: count and digest of this side, before
  remote        TEXT NOT NULL,       -- JSON: the same of the other side
  missing_here  INTEGER NOT NULL,
  missing_there INTEGER NOT NULL,
  differing     INTEGER NOT NULL,    -- same revision, other content
  mended        INTEGER NOT NULL,
  requests      INTEGER NOT NULL,
  duration_ms   INTEGER NOT NULL,
  error         TEXT
) STRICT;

-- An entry that is purged must leave the search index at once, not when segments happen to be merged.
INSERT INTO history_fts (history_fts, rank) VALUES ('secure-delete', 1);

-- Rows that arrive with an earlier place than what is indexed (a first sync fills the history backwards): the lots have
-- passed them, so they are noted, and come into lots of their own. A row that is here is not in the index.
CREATE TABLE search_index_late (
  seq INTEGER PRIMARY KEY
) STRICT;

CREATE TRIGGER history_late AFTER INSERT ON history WHEN NEW.seq <= (SELECT upto FROM search_index) BEGIN
  INSERT INTO search_index_late (seq) VALUES (NEW.seq);
END;

DROP VIEW history_indexed;
CREATE VIEW history_indexed AS
  SELECT seq, command, response, note, tags FROM history
  WHERE seq <= (SELECT upto FROM search_index) AND seq NOT IN (SELECT seq FROM search_index_late);

-- One trigger for both, in this order: of several the order is not defined.
DROP TRIGGER history_fts_delete;
CREATE TRIGGER history_fts_delete AFTER DELETE ON history
WHEN OLD.seq <= (SELECT upto FROM search_index) BEGIN
  INSERT INTO history_fts (history_fts, rowid, command, response, note, tags)
  SELECT 'delete', OLD.seq, OLD.command, OLD.response, OLD.note, OLD.tags
  WHERE NOT EXISTS (SELECT 1 FROM search_index_late WHERE seq = OLD.seq);
  DELETE FROM search_index_late WHERE seq = OLD.seq;
END;
DROP TRIGGER history_fts_update;
CREATE TRIGGER history_fts_update AFTER UPDATE OF command, response, note, tags ON history
WHEN OLD.seq <= (SELECT upto FROM search_index)
  AND (OLD.command IS NOT NEW.command OR OLD.response IS NOT NEW.response
    OR OLD.note IS NOT NEW.note OR OLD.tags IS NOT NEW.tags)
  AND NOT EXISTS (SELECT 1 FROM search_index_late WHERE seq = OLD.seq) BEGIN
  INSERT INTO history_fts (history_fts, rowid, command, response, note, tags)
  VALUES ('delete', OLD.seq, OLD.command, OLD.response, OLD.note, OLD.tags);
  INSERT INTO history_fts (rowid, command, response, note, tags)
  VALUES (NEW.seq, NEW.command, NEW.response, NEW.note, NEW.tags);
END;
