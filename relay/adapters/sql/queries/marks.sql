-- name: set_mark!
-- Write a named number.
INSERT INTO marks (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: mark$
-- Read a named number.
SELECT value FROM marks WHERE name = :name;

-- name: touch_mark!
-- Note that something changed of what a mark stands for: subscriptions, blocks, opt-outs.
INSERT INTO marks (name, value) VALUES (:name, 1) ON CONFLICT (name) DO UPDATE SET value = marks.value + 1;
