-- Access to a cluster may include the values of its Secrets: asked for, approved or left out, granted.
ALTER TABLE access_requests
    ADD COLUMN secrets boolean NOT NULL DEFAULT false,
    ADD COLUMN secrets_left_out boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT access_requests_secrets_check CHECK (secrets OR NOT secrets_left_out);
COMMENT ON COLUMN access_requests.secrets IS 'the values of Secrets are asked for';
COMMENT ON COLUMN access_requests.secrets_left_out IS 'an approver approved without them';
ALTER TABLE grants ADD COLUMN secrets boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN grants.secrets IS 'includes the values of Secrets; such a grant is used before others';
