-- Marks of history, purge and collection, selection by kind, and claims that a push must make good.

-- What an entry is, beside its body, so that machines can choose by it.
ALTER TABLE records ADD COLUMN entry_kind TEXT;
UPDATE records SET entry_kind = body ->> 'kind' WHERE kind = 'history' AND codec = 'json' AND key_id IS NULL;

-- Comparing revisions reads this index only, not the rows.
DROP INDEX records_by_rev;
CREATE INDEX records_by_rev ON records (rev, scope, machine_id, user_id, kind, entry_kind, timestamp);

-- Conflicts are few, and looked for when an entry goes.
CREATE INDEX records_conflicts ON records (id) WHERE kind = 'conflict';

-- Deleted records wait here for their collection.
CREATE INDEX records_deleted ON records (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;

-- Points of this database's history, by random name. A machine that remembers one that is not here knows that the
-- database was restored from an older copy, even where new revisions have passed the old ones since.
CREATE TABLE marks (
  rev  INTEGER PRIMARY KEY,
  mark TEXT NOT NULL,
  kept INTEGER                  -- ms since the epoch: the first of its hour, which is kept when others are forgotten
);
CREATE INDEX marks_kept ON marks (kept) WHERE kept IS NOT NULL;

-- A version whose clock did not change was edited by hand in a shell. It gets a clock of its own, later than what
-- machines had, for its body as a whole; a column that is as it was keeps the clock it had.
DROP TRIGGER records_updated;
CREATE TRIGGER records_updated
AFTER UPDATE OF kind, base_rev, hlc, clocks, scope, user_id, machine_id, timestamp, deleted_at, purged_at,
  last_editor, schema, key_id, codec, body, digest ON records BEGIN
  UPDATE seq SET value = value + 1;
  UPDATE records SET
    rev = (SELECT value FROM seq),
    base_rev = CASE WHEN NEW.hlc = OLD.hlc THEN OLD.rev ELSE NEW.base_rev END,
    last_editor = CASE WHEN NEW.hlc = OLD.hlc THEN 'remote' ELSE NEW.last_editor END,
    digest = CASE WHEN NEW.hlc = OLD.hlc THEN NULL ELSE NEW.digest END,
    hlc = CASE WHEN NEW.hlc = OLD.hlc
      THEN printf('%012x-%04x-%012x', CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 0,
                  (SELECT value FROM seq))
      ELSE NEW.hlc END
  WHERE id = NEW.id;
  UPDATE records SET clocks = (
    SELECT json_group_object(field, clock) FROM (
      SELECT '*' AS field, hlc AS clock
      UNION ALL SELECT field, coalesce(OLD.clocks ->> ('$."' || field || '"'), OLD.clocks ->> '$."*"', OLD.hlc)
      FROM (
        SELECT 'scope' AS field WHERE NEW.scope IS OLD.scope
        UNION ALL SELECT 'user' WHERE NEW.user_id IS OLD.user_id
        UNION ALL SELECT 'timestamp' WHERE NEW.timestamp IS OLD.timestamp
        UNION ALL SELECT 'deleted_at' WHERE NEW.deleted_at IS OLD.deleted_at)))
  WHERE id = NEW.id AND NEW.hlc = OLD.hlc;
  -- A push leaves its own mark.
  INSERT OR REPLACE INTO marks (rev, mark) SELECT value, lower(hex(randomblob(8))) FROM seq WHERE NEW.hlc = OLD.hlc;
END;

-- Purged is for good, whoever tries, also by hand.
CREATE TRIGGER records_purged BEFORE UPDATE ON records
WHEN OLD.purged_at IS NOT NULL AND (NEW.purged_at IS NULL OR NEW.body IS NOT OLD.body) BEGIN
  SELECT RAISE(ABORT, 'HD_PURGED a purged record stays purged');
END;

-- INSERT OR REPLACE would run no trigger for the row that it replaces.
CREATE TRIGGER records_purged_stay BEFORE INSERT ON records
WHEN EXISTS (SELECT 1 FROM records WHERE id = NEW.id AND purged_at IS NOT NULL) BEGIN
  SELECT RAISE(IGNORE);
END;

DROP VIEW push_guard;
CREATE VIEW push_guard AS
  SELECT 0 AS protocol, '' AS epoch, 0 AS cursor, 0 AS mark_rev, '' AS mark, '' AS machine_id, 0 AS push_seq,
         '' AS push_ids, 0 AS newest_ms;

CREATE TRIGGER push_guard_check INSTEAD OF INSERT ON push_guard BEGIN
  SELECT RAISE(ABORT, 'HD_PROTO this historyd is too old for the remote')
    WHERE NEW.protocol < (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'min_protocol');
  SELECT RAISE(ABORT, 'HD_EPOCH the remote is not the database this cache was synchronised with')
    WHERE NEW.epoch <> (SELECT value FROM meta WHERE key = 'epoch');
  SELECT RAISE(ABORT, 'HD_AHEAD the remote is older than what this cache has already seen of it')
    WHERE NEW.cursor > (SELECT value FROM seq)
       OR (NEW.mark IS NOT NULL AND NOT EXISTS (SELECT 1 FROM marks WHERE rev = NEW.mark_rev AND mark = NEW.mark));
  SELECT RAISE(ABORT, 'HD_GC_FLOOR this cache was away longer than deleted records are remembered')
    WHERE NEW.cursor < (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'gc_floor');
  -- Somebody else pushes under this machine's name.
  SELECT RAISE(ABORT, 'HD_CLONE another machine goes by the same identity')
    WHERE EXISTS (
      SELECT 1 FROM nodes
      WHERE machine_id = NEW.machine_id AND push_seq >= NEW.push_seq
        AND last_push_id NOT IN (SELECT value FROM json_each(NEW.push_ids)));
  -- Five minutes: a clock that is further ahead must be set right before its stamps meet other machines'.
  SELECT RAISE(ABORT, 'HD_CLOCK the clock of this machine is ahead of the remote''s')
    WHERE NEW.newest_ms > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + 300000;
END;


UPDATE meta SET value = '2' WHERE key = 'min_protocol';
