-- Sessions that someone asked to end.
CREATE TABLE session_kill (
    session_id bigint PRIMARY KEY REFERENCES session (id),
    by_name text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
