BEGIN TRANSACTION;
CREATE TABLE act (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        what TEXT NOT NULL,
        done_at TEXT NOT NULL,
        undone_at TEXT NOT NULL DEFAULT ''
    , click TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE answer (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        act INTEGER NOT NULL REFERENCES act (id),
        kind TEXT NOT NULL,
        item_id ANY NOT NULL,
        fingerprint TEXT NOT NULL,
        target TEXT NOT NULL DEFAULT 'tag',
        tag_key TEXT NOT NULL,
        tag_name TEXT NOT NULL,
        answer TEXT NOT NULL,
        source TEXT NOT NULL,
        feature TEXT NOT NULL,
        subject TEXT NOT NULL,
        probability REAL NOT NULL,
        verdict TEXT NOT NULL,
        rule TEXT NOT NULL,
        why TEXT NOT NULL,
        answered_at TEXT NOT NULL,
        stands INTEGER NOT NULL DEFAULT 1
    ) STRICT;
CREATE TABLE audit (
        change_id INTEGER PRIMARY KEY REFERENCES change (id) ON DELETE CASCADE,
        library_id INTEGER NOT NULL REFERENCES library (id),
        drawn_at TEXT NOT NULL
    ) STRICT;
CREATE TABLE change (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        library_id INTEGER NOT NULL REFERENCES library (id),
        run_id INTEGER NOT NULL REFERENCES run (id),
        item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
        state TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        tag_id TEXT NOT NULL,
        tag_name TEXT NOT NULL,
        model TEXT NOT NULL,
        score REAL NOT NULL,
        probability REAL NOT NULL,
        rule TEXT NOT NULL,
        why TEXT NOT NULL,
        tags_before TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT ''
    , target TEXT NOT NULL DEFAULT 'tag', action TEXT NOT NULL DEFAULT 'add', missed_by INTEGER, feature TEXT NOT NULL DEFAULT '', looked TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "change" VALUES(1,1,1,1,'planned','oshash:1','7','Dog','detector@1',0.9123,0.95,'thresholds.apply','It was seen.','[]','2026-11-23T19:18:05Z','','tag','add',NULL,'','1');
CREATE TABLE counted (
        library_id INTEGER NOT NULL REFERENCES library (id),
        what TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (library_id, what)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "counted" VALUES(1,'apply',1);
INSERT INTO "counted" VALUES(1,'gone',0);
INSERT INTO "counted" VALUES(1,'items',1);
INSERT INTO "counted" VALUES(1,'looked',1);
INSERT INTO "counted" VALUES(1,'ours',0);
INSERT INTO "counted" VALUES(1,'waiting',0);
CREATE TABLE created_tag (
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag_id TEXT NOT NULL,
        name TEXT NOT NULL,
        parents TEXT NOT NULL,
        run_id INTEGER NOT NULL REFERENCES run (id),
        PRIMARY KEY (library_id, tag_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE decision (
        item INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        library_id INTEGER NOT NULL REFERENCES library (id),
        verdict TEXT NOT NULL,
        tag TEXT NOT NULL,
        feature TEXT NOT NULL,
        subject TEXT NOT NULL,
        probability REAL NOT NULL,
        score REAL NOT NULL,
        rule TEXT NOT NULL,
        why TEXT NOT NULL,
        detail TEXT NOT NULL, near REAL NOT NULL DEFAULT 0, useful REAL NOT NULL DEFAULT 0,
        PRIMARY KEY (item, place)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "decision" VALUES(1,0,1,'apply','Dog','objects','dog',0.95,0.9123,'thresholds.apply','It was seen. Größe: 5 %','["dog",["detector@1"],0,[[0.0,2.5]],[[1.25,9123,[1000,2000,3000,4000],"detector@1"],[2.0,5000,0,""]]]',0.0,0.0);
CREATE TABLE fact (
        library_id INTEGER NOT NULL REFERENCES library (id),
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (library_id, name)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE failure (
        item INTEGER PRIMARY KEY REFERENCES item (id) ON DELETE CASCADE,
        library_id INTEGER NOT NULL REFERENCES library (id),
        fingerprint TEXT NOT NULL,
        path TEXT NOT NULL,
        reason TEXT NOT NULL,
        tries INTEGER NOT NULL,
        failed_at TEXT NOT NULL
    ) STRICT;
CREATE TABLE file (
        id INTEGER PRIMARY KEY,
        fingerprint TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL DEFAULT 0,
        height INTEGER NOT NULL DEFAULT 0,
        duration_s REAL NOT NULL DEFAULT 0
    , alike INTEGER) STRICT;
INSERT INTO "file" VALUES(1,'oshash:1',1920,1080,12.5,NULL);
CREATE TABLE heap (
        id INTEGER PRIMARY KEY,
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag TEXT NOT NULL,
        feature TEXT NOT NULL,
        models TEXT NOT NULL,
        n INTEGER NOT NULL DEFAULT 0,
        UNIQUE (library_id, tag, feature, models)
    ) STRICT;
CREATE TABLE item (
        id INTEGER PRIMARY KEY,
        library_id INTEGER NOT NULL REFERENCES library (id),
        kind TEXT NOT NULL,
        item_id ANY NOT NULL,
        file_id INTEGER NOT NULL REFERENCES file (id),
        policy TEXT NOT NULL DEFAULT '',
        decided_models TEXT NOT NULL DEFAULT '', tags TEXT NOT NULL DEFAULT '',
        UNIQUE (library_id, kind, item_id)
    ) STRICT;
INSERT INTO "item" VALUES(1,1,'scene',1,1,'p','1','-');
CREATE TABLE known_name (
        library_id INTEGER NOT NULL REFERENCES library (id),
        name_key TEXT NOT NULL,
        tag_id TEXT NOT NULL,
        PRIMARY KEY (library_id, name_key)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE known_tag (
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag_id TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (library_id, tag_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE library (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;
INSERT INTO "library" VALUES(1,'k','n');
CREATE TABLE model (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO "model" VALUES(1,'detector@1');
CREATE TABLE predicted (
        file_id INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,
        knowledge TEXT NOT NULL,
        models TEXT NOT NULL,
        numbers TEXT NOT NULL
    ) STRICT;
CREATE TABLE queue (
        id INTEGER PRIMARY KEY,
        library_id INTEGER NOT NULL REFERENCES library (id),
        kind TEXT NOT NULL,
        item_id ANY NOT NULL,
        priority INTEGER NOT NULL,
        reason TEXT NOT NULL,
        enqueued_at TEXT NOT NULL,
        UNIQUE (library_id, kind, item_id)
    ) STRICT;
CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        library_id INTEGER NOT NULL REFERENCES library (id),
        operation TEXT NOT NULL,
        scope TEXT NOT NULL,
        state TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT NOT NULL DEFAULT '',
        cursor TEXT NOT NULL DEFAULT '{}',
        counts TEXT NOT NULL DEFAULT '{}',
        message TEXT NOT NULL DEFAULT ''
    ) STRICT;
INSERT INTO "run" VALUES(1,1,'tag','{}','running','2026-11-23T19:18:05Z','','{}','{}','');
CREATE TABLE sighting (
        id INTEGER PRIMARY KEY,
        file_id INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE,
        model_id INTEGER NOT NULL REFERENCES model (id),
        frames BLOB NOT NULL,
        seen_at TEXT NOT NULL,
        UNIQUE (file_id, model_id)
    ) STRICT;
INSERT INTO "sighting" VALUES(1,1,1,X'5B5B302E302C5B5B22646F67222C393132332C5B313030302C323030302C333333332C393030305D2C22726564222C363130305D2C5B22636174222C3530302C5B313030302C323030302C333333332C393030305D5D2C5B22696E646F6F72222C353030305D5D5D2C5B312E32352C5B5D5D5D','2026-11-23T19:18:05Z');
CREATE TABLE tag_rule (
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag_key TEXT NOT NULL,
        kind TEXT NOT NULL,
        tag_name TEXT NOT NULL,
        feature TEXT NOT NULL DEFAULT '',
        apply REAL NOT NULL DEFAULT 0,
        why TEXT NOT NULL DEFAULT '',
        act INTEGER NOT NULL REFERENCES act (id),
        said_at TEXT NOT NULL,
        PRIMARY KEY (library_id, tag_key, kind, act)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE waits (
        item INTEGER NOT NULL,
        place INTEGER NOT NULL,
        library_id INTEGER NOT NULL,
        heap INTEGER NOT NULL,
        kind TEXT NOT NULL,
        item_id ANY NOT NULL,
        useful REAL NOT NULL,
        probability REAL NOT NULL,
        PRIMARY KEY (item, place)
    ) STRICT, WITHOUT ROWID;
CREATE INDEX item_by_file ON item (file_id);
CREATE INDEX failure_by_time ON failure (library_id, failed_at);
CREATE INDEX decision_by_verdict ON decision (library_id, verdict, tag);
CREATE INDEX run_by_library ON run (library_id);
CREATE INDEX change_by_item ON change (item);
CREATE INDEX change_pending ON change (library_id) WHERE state IN ('planned', 'sending');
CREATE INDEX queue_by_priority ON queue (library_id, priority DESC);
CREATE INDEX change_missed ON change (library_id) WHERE missed_by IS NOT NULL;
CREATE INDEX change_by_tag ON change (library_id, state, action, tag_name COLLATE NOCASE);
CREATE INDEX act_by_library ON act (library_id);
CREATE INDEX answer_by_item ON answer (library_id, kind, item_id, tag_key);
CREATE INDEX answer_by_file ON answer (library_id, fingerprint, tag_key);
CREATE INDEX answer_by_tag ON answer (library_id, feature, tag_key) WHERE stands = 1;
CREATE INDEX answer_by_act ON answer (act);
CREATE INDEX audit_by_library ON audit (library_id);
CREATE UNIQUE INDEX act_by_click ON act (library_id, click) WHERE click != '';
CREATE INDEX waits_in_order
        ON waits (library_id, useful DESC, item, place, probability, heap, kind, item_id);
CREATE TRIGGER waits_more AFTER INSERT ON waits BEGIN UPDATE heap SET n = n + 1 WHERE id = new.heap; END;
CREATE TRIGGER waits_less AFTER DELETE ON waits BEGIN UPDATE heap SET n = n - 1 WHERE id = old.heap; END;
CREATE TRIGGER waits_came AFTER INSERT ON decision WHEN new.verdict = 'review' BEGIN 
    INSERT INTO heap (library_id, tag, feature, models)
        VALUES (new.library_id, new.tag, new.feature, json_extract(new.detail, '$[1]')) ON CONFLICT DO NOTHING;
    INSERT INTO waits (item, place, library_id, heap, kind, item_id, useful, probability)
        SELECT new.item, new.place, new.library_id, h.id, i.kind, i.item_id, new.useful, new.probability
        FROM item AS i CROSS JOIN heap AS h ON h.library_id = new.library_id AND h.tag = new.tag AND h.feature = new.feature
    AND h.models = json_extract(new.detail, '$[1]') WHERE i.id = new.item; END;
CREATE TRIGGER waits_went AFTER DELETE ON decision WHEN old.verdict = 'review' BEGIN DELETE FROM waits WHERE item = old.item AND place = old.place; END;
CREATE TRIGGER waits_again AFTER UPDATE OF verdict ON decision
        WHEN new.verdict = 'review' AND old.verdict != 'review' BEGIN 
    INSERT INTO heap (library_id, tag, feature, models)
        VALUES (new.library_id, new.tag, new.feature, json_extract(new.detail, '$[1]')) ON CONFLICT DO NOTHING;
    INSERT INTO waits (item, place, library_id, heap, kind, item_id, useful, probability)
        SELECT new.item, new.place, new.library_id, h.id, i.kind, i.item_id, new.useful, new.probability
        FROM item AS i CROSS JOIN heap AS h ON h.library_id = new.library_id AND h.tag = new.tag AND h.feature = new.feature
    AND h.models = json_extract(new.detail, '$[1]') WHERE i.id = new.item; END;
CREATE TRIGGER waits_answered AFTER UPDATE OF verdict ON decision
        WHEN new.verdict != 'review' AND old.verdict = 'review' BEGIN DELETE FROM waits WHERE item = old.item AND place = old.place; END;
CREATE TRIGGER waits_elsewhere AFTER UPDATE OF useful ON decision WHEN new.verdict = 'review' BEGIN
        UPDATE waits SET useful = new.useful WHERE item = new.item AND place = new.place; END;
CREATE INDEX change_by_run ON change (run_id, state, id, action, reason);
CREATE TRIGGER counted_library AFTER INSERT ON library BEGIN
        INSERT INTO counted (library_id, what, n) VALUES (new.id, 'items', 0), (new.id, 'looked', 0),
            (new.id, 'apply', 0), (new.id, 'ours', 0), (new.id, 'gone', 0), (new.id, 'waiting', 0); END;
CREATE TRIGGER counted_item_came AFTER INSERT ON item BEGIN
        UPDATE counted SET n = n + CASE what WHEN 'items' THEN 1 ELSE EXISTS (SELECT 1 FROM sighting WHERE file_id = new.file_id) END
        WHERE library_id = new.library_id AND what IN ('items', 'looked'); END;
CREATE TRIGGER counted_item_went AFTER DELETE ON item BEGIN
        UPDATE counted SET n = n - CASE what WHEN 'items' THEN 1 ELSE EXISTS (SELECT 1 FROM sighting WHERE file_id = old.file_id) END
        WHERE library_id = old.library_id AND what IN ('items', 'looked'); END;
CREATE TRIGGER counted_item_moved AFTER UPDATE OF file_id ON item WHEN old.file_id != new.file_id BEGIN
        UPDATE counted SET n = n + EXISTS (SELECT 1 FROM sighting WHERE file_id = new.file_id) - EXISTS (SELECT 1 FROM sighting WHERE file_id = old.file_id)
        WHERE library_id = new.library_id AND what = 'looked'; END;
CREATE TRIGGER counted_sighting_came AFTER INSERT ON sighting
        WHEN NOT EXISTS (SELECT 1 FROM sighting WHERE file_id = new.file_id AND id != new.id) BEGIN
        UPDATE counted SET n = n + (SELECT count(*) FROM item AS i WHERE i.file_id = new.file_id
    AND i.library_id = counted.library_id) WHERE what = 'looked'; END;
CREATE TRIGGER counted_sighting_went AFTER DELETE ON sighting WHEN NOT EXISTS (SELECT 1 FROM sighting WHERE file_id = old.file_id) BEGIN
        UPDATE counted SET n = n - (SELECT count(*) FROM item AS i WHERE i.file_id = old.file_id
    AND i.library_id = counted.library_id) WHERE what = 'looked'; END;
CREATE TRIGGER counted_decision_came AFTER INSERT ON decision WHEN new.verdict = 'apply' BEGIN
        UPDATE counted SET n = n + 1 WHERE library_id = new.library_id AND what = 'apply'; END;
CREATE TRIGGER counted_decision_went AFTER DELETE ON decision WHEN old.verdict = 'apply' BEGIN
        UPDATE counted SET n = n - 1 WHERE library_id = old.library_id AND what = 'apply'; END;
CREATE TRIGGER counted_decision_judged AFTER UPDATE OF verdict ON decision
        WHEN (old.verdict = 'apply') != (new.verdict = 'apply') BEGIN
        UPDATE counted SET n = n + (new.verdict = 'apply') - (old.verdict = 'apply')
        WHERE library_id = new.library_id AND what = 'apply'; END;
CREATE TRIGGER counted_change_came AFTER INSERT ON change WHEN new.state IN ('done', 'gone') BEGIN
        UPDATE counted SET n = n + CASE what WHEN 'gone' THEN new.state = 'gone'
            ELSE new.state = 'done' AND new.action = 'add' END
        WHERE library_id = new.library_id AND what IN ('ours', 'gone'); END;
CREATE TRIGGER counted_change_went AFTER DELETE ON change WHEN old.state IN ('done', 'gone') BEGIN
        UPDATE counted SET n = n - CASE what WHEN 'gone' THEN old.state = 'gone'
            ELSE old.state = 'done' AND old.action = 'add' END
        WHERE library_id = old.library_id AND what IN ('ours', 'gone'); END;
CREATE TRIGGER counted_change_moved AFTER UPDATE OF state ON change
        WHEN old.state != new.state AND (old.state IN ('done', 'gone') OR new.state IN ('done', 'gone')) BEGIN
        UPDATE counted SET n = n + CASE what WHEN 'gone' THEN (new.state = 'gone') - (old.state = 'gone')
            ELSE (new.action = 'add') * ((new.state = 'done') - (old.state = 'done')) END
        WHERE library_id = new.library_id AND what IN ('ours', 'gone'); END;
CREATE TRIGGER counted_queue_came AFTER INSERT ON queue BEGIN
        UPDATE counted SET n = n + 1 WHERE library_id = new.library_id AND what = 'waiting'; END;
CREATE TRIGGER counted_queue_went AFTER DELETE ON queue BEGIN
        UPDATE counted SET n = n - 1 WHERE library_id = old.library_id AND what = 'waiting'; END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('change',1);
COMMIT;
PRAGMA user_version = 6;
