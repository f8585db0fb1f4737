"""The migration that keeps ready what pages ask of a whole library; see :mod:`tagger.store.schema`.

Going through every item takes a page longer than it may. So triggers keep, in the transaction that changes it:

* ``waits``: each decision that waits for review, in the order in which persons are asked, with all that they choose by
  in one index; ``heap``: how many wait of a tag, feature and models.
* ``counted``: how many items are on record and were looked at, tags are decided, are ours and were removed, items wait.
"""

from __future__ import annotations

_ITS_HEAP = """h.library_id = {row}.library_id AND h.tag = {row}.tag AND h.feature = {row}.feature
    AND h.models = json_extract({row}.detail, '$[1]')"""
_BEGINS_TO_WAIT = f"""
    INSERT INTO heap (library_id, tag, feature, models)
        VALUES (new.library_id, new.tag, new.feature, json_extract(new.detail, '$[1]')) ON CONFLICT DO NOTHING;
    INSERT INTO waits (item, place, library_id, heap, kind, item_id, useful, probability)
        SELECT new.item, new.place, new.library_id, h.id, i.kind, i.item_id, new.useful, new.probability
        FROM item AS i CROSS JOIN heap AS h ON {_ITS_HEAP.format(row="new")} WHERE i.id = new.item;"""  # noqa: S608
_WAITS_NO_MORE = "DELETE FROM waits WHERE item = old.item AND place = old.place;"
_LOOKED_AT = "EXISTS (SELECT 1 FROM sighting WHERE file_id = {row}.file_id)"
_ITEMS_OF_FILE = """(SELECT count(*) FROM item AS i WHERE i.file_id = {row}.file_id
    AND i.library_id = counted.library_id)"""
COUNTS_AND_QUEUE: tuple[str, ...] = (
    """CREATE TABLE heap (
        id INTEGER PRIMARY KEY,
        library_id INTEGER NOT NULL REFERENCES library (id),
        tag TEXT NOT NULL,
        feature TEXT NOT NULL,
        models TEXT NOT NULL,
        n INTEGER NOT NULL DEFAULT 0,
        UNIQUE (library_id, tag, feature, models)
    ) STRICT""",
    """CREATE TABLE waits (
        item INTEGER NOT NULL,
        place INTEGER NOT NULL,
        library_id INTEGER NOT NULL,
        heap INTEGER NOT NULL,
        kind TEXT NOT NULL,
        item_id ANY NOT NULL,
        useful REAL NOT NULL,
        probability REAL NOT NULL,
        PRIMARY KEY (item, place)
    ) STRICT, WITHOUT ROWID""",
    """INSERT INTO heap (library_id, tag, feature, models, n)
        SELECT library_id, tag, feature, json_extract(detail, '$[1]'), count(*)
        FROM decision WHERE verdict = 'review' GROUP BY 1, 2, 3, 4""",
    f"""INSERT INTO waits (item, place, library_id, heap, kind, item_id, useful, probability)
        SELECT d.item, d.place, d.library_id, h.id, i.kind, i.item_id, d.useful, d.probability
        FROM decision AS d CROSS JOIN item AS i ON i.id = d.item CROSS JOIN heap AS h ON {_ITS_HEAP.format(row="d")}
        WHERE d.verdict = 'review' ORDER BY d.item, d.place""",  # noqa: S608
    """CREATE INDEX waits_in_order
        ON waits (library_id, useful DESC, item, place, probability, heap, kind, item_id)""",
    "DROP INDEX decision_to_review",
    "DROP INDEX decision_to_review_by_tag",
    "DROP TRIGGER to_review_came",
    "DROP TRIGGER to_review_went",
    "DROP TRIGGER to_review_judged",
    "DROP TABLE to_review",
    "CREATE TRIGGER waits_more AFTER INSERT ON waits BEGIN UPDATE heap SET n = n + 1 WHERE id = new.heap; END",
    "CREATE TRIGGER waits_less AFTER DELETE ON waits BEGIN UPDATE heap SET n = n - 1 WHERE id = old.heap; END",
    f"CREATE TRIGGER waits_came AFTER INSERT ON decision WHEN new.verdict = 'review' BEGIN {_BEGINS_TO_WAIT} END",
    f"CREATE TRIGGER waits_went AFTER DELETE ON decision WHEN old.verdict = 'review' BEGIN {_WAITS_NO_MORE} END",
    f"""CREATE TRIGGER waits_again AFTER UPDATE OF verdict ON decision
        WHEN new.verdict = 'review' AND old.verdict != 'review' BEGIN {_BEGINS_TO_WAIT} END""",
    f"""CREATE TRIGGER waits_answered AFTER UPDATE OF verdict ON decision
        WHEN new.verdict != 'review' AND old.verdict = 'review' BEGIN {_WAITS_NO_MORE} END""",
    """CREATE TRIGGER waits_elsewhere AFTER UPDATE OF useful ON decision WHEN new.verdict = 'review' BEGIN
        UPDATE waits SET useful = new.useful WHERE item = new.item AND place = new.place; END""",
    # What a run wrote is counted in its index alone.
    "DROP INDEX change_by_run",
    "CREATE INDEX change_by_run ON change (run_id, state, id, action, reason)",
    """CREATE TABLE counted (
        library_id INTEGER NOT NULL REFERENCES library (id),
        what TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (library_id, what)
    ) STRICT, WITHOUT ROWID""",
    """INSERT INTO counted (library_id, what, n)
        SELECT id, 'items', (SELECT count(*) FROM item WHERE library_id = library.id) FROM library
        UNION ALL SELECT id, 'looked', (SELECT count(*) FROM item AS i WHERE i.library_id = library.id
            AND EXISTS (SELECT 1 FROM sighting AS s WHERE s.file_id = i.file_id)) FROM library
        UNION ALL SELECT id, 'apply', (SELECT count(*) FROM decision
            WHERE library_id = library.id AND verdict = 'apply') FROM library
        UNION ALL SELECT id, 'ours', (SELECT count(*) FROM change
            WHERE library_id = library.id AND state = 'done' AND action = 'add') FROM library
        UNION ALL SELECT id, 'gone', (SELECT count(*) FROM change
            WHERE library_id = library.id AND state = 'gone') FROM library
        UNION ALL SELECT id, 'waiting', (SELECT count(*) FROM queue WHERE library_id = library.id) FROM library""",
    """CREATE TRIGGER counted_library AFTER INSERT ON library BEGIN
        INSERT INTO counted (library_id, what, n) VALUES (new.id, 'items', 0), (new.id, 'looked', 0),
            (new.id, 'apply', 0), (new.id, 'ours', 0), (new.id, 'gone', 0), (new.id, 'waiting', 0); END""",
    f"""CREATE TRIGGER counted_item_came AFTER INSERT ON item BEGIN
        UPDATE counted SET n = n + CASE what WHEN 'items' THEN 1 ELSE {_LOOKED_AT.format(row="new")} END
        WHERE library_id = new.library_id AND what IN ('items', 'looked'); END""",  # noqa: S608
    f"""CREATE TRIGGER counted_item_went AFTER DELETE ON item BEGIN
        UPDATE counted SET n = n - CASE what WHEN 'items' THEN 1 ELSE {_LOOKED_AT.format(row="old")} END
        WHERE library_id = old.library_id AND what IN ('items', 'looked'); END""",  # noqa: S608
    f"""CREATE TRIGGER counted_item_moved AFTER UPDATE OF file_id ON item WHEN old.file_id != new.file_id BEGIN
        UPDATE counted SET n = n + {_LOOKED_AT.format(row="new")} - {_LOOKED_AT.format(row="old")}
        WHERE library_id = new.library_id AND what = 'looked'; END""",  # noqa: S608
    f"""CREATE TRIGGER counted_sighting_came AFTER INSERT ON sighting
        WHEN NOT EXISTS (SELECT 1 FROM sighting WHERE file_id = new.file_id AND id != new.id) BEGIN
        UPDATE counted SET n = n + {_ITEMS_OF_FILE.format(row="new")} WHERE what = 'looked'; END""",  # noqa: S608
    f"""CREATE TRIGGER counted_sighting_went AFTER DELETE ON sighting WHEN NOT {_LOOKED_AT.format(row="old")} BEGIN
        UPDATE counted SET n = n - {_ITEMS_OF_FILE.format(row="old")} WHERE what = 'looked'; END""",  # noqa: S608
    """CREATE TRIGGER counted_decision_came AFTER INSERT ON decision WHEN new.verdict = 'apply' BEGIN
        UPDATE counted SET n = n + 1 WHERE library_id = new.library_id AND what = 'apply'; END""",
    """CREATE TRIGGER counted_decision_went AFTER DELETE ON decision WHEN old.verdict = 'apply' BEGIN
        UPDATE counted SET n = n - 1 WHERE library_id = old.library_id AND what = 'apply'; END""",
    """CREATE TRIGGER counted_decision_judged AFTER UPDATE OF verdict ON decision
        WHEN (old.verdict = 'apply') != (new.verdict = 'apply') BEGIN
        UPDATE counted SET n = n + (new.verdict = 'apply') - (old.verdict = 'apply')
        WHERE library_id = new.library_id AND what = 'apply'; END""",
    """CREATE TRIGGER counted_change_came AFTER INSERT ON change WHEN new.state IN ('done', 'gone') BEGIN
        UPDATE counted SET n = n + CASE what WHEN 'gone' THEN new.state = 'gone'
            ELSE new.state = 'done' AND new.action = 'add' END
        WHERE library_id = new.library_id AND what IN ('ours', 'gone'); END""",
    """CREATE TRIGGER counted_change_went AFTER DELETE ON change WHEN old.state IN ('done', 'gone') BEGIN
        UPDATE counted SET n = n - CASE what WHEN 'gone' THEN old.state = 'gone'
            ELSE old.state = 'done' AND old.action = 'add' END
        WHERE library_id = old.library_id AND what IN ('ours', 'gone'); END""",
    """CREATE TRIGGER counted_change_moved AFTER UPDATE OF state ON change
        WHEN old.state != new.state AND (old.state IN ('done', 'gone') OR new.state IN ('done', 'gone')) BEGIN
        UPDATE counted SET n = n + CASE what WHEN 'gone' THEN (new.state = 'gone') - (old.state = 'gone')
            ELSE (new.action = 'add') * ((new.state = 'done') - (old.state = 'done')) END
        WHERE library_id = new.library_id AND what IN ('ours', 'gone'); END""",
    """CREATE TRIGGER counted_queue_came AFTER INSERT ON queue BEGIN
        UPDATE counted SET n = n + 1 WHERE library_id = new.library_id AND what = 'waiting'; END""",
    """CREATE TRIGGER counted_queue_went AFTER DELETE ON queue BEGIN
        UPDATE counted SET n = n - 1 WHERE library_id = old.library_id AND what = 'waiting'; END""",
)
