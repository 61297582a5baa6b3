-- Attributes as key=value, as the exporter's newest tables and ClickStack have them: its queries filter by
-- has(SpanAttributeItems, 'http.route=/cart'). Computed when asked for, so they cost nothing to store or insert.
ALTER TABLE {{local otel_traces}} {{on_cluster}} ADD COLUMN IF NOT EXISTS ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)) COMMENT 'ResourceAttributes as key=value each';
ALTER TABLE {{local otel_traces}} {{on_cluster}} ADD COLUMN IF NOT EXISTS SpanAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(SpanAttributes), mapValues(SpanAttributes)) COMMENT 'SpanAttributes as key=value each';
ALTER TABLE {{local otel_logs}} {{on_cluster}} ADD COLUMN IF NOT EXISTS ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)) COMMENT 'ResourceAttributes as key=value each';
ALTER TABLE {{local otel_logs}} {{on_cluster}} ADD COLUMN IF NOT EXISTS ScopeAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ScopeAttributes), mapValues(ScopeAttributes)) COMMENT 'ScopeAttributes as key=value each';
ALTER TABLE {{local otel_logs}} {{on_cluster}} ADD COLUMN IF NOT EXISTS LogAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(LogAttributes), mapValues(LogAttributes)) COMMENT 'LogAttributes as key=value each';

-- The same of the tables that people read, which are others on a cluster only.
ALTER TABLE {{table otel_traces}} {{on_cluster}} ADD COLUMN IF NOT EXISTS ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)) COMMENT 'ResourceAttributes as key=value each';
ALTER TABLE {{table otel_traces}} {{on_cluster}} ADD COLUMN IF NOT EXISTS SpanAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(SpanAttributes), mapValues(SpanAttributes)) COMMENT 'SpanAttributes as key=value each';
ALTER TABLE {{table otel_logs}} {{on_cluster}} ADD COLUMN IF NOT EXISTS ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)) COMMENT 'ResourceAttributes as key=value each';
ALTER TABLE {{table otel_logs}} {{on_cluster}} ADD COLUMN IF NOT EXISTS ScopeAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ScopeAttributes), mapValues(ScopeAttributes)) COMMENT 'ScopeAttributes as key=value each';
ALTER TABLE {{table otel_logs}} {{on_cluster}} ADD COLUMN IF NOT EXISTS LogAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(LogAttributes), mapValues(LogAttributes)) COMMENT 'LogAttributes as key=value each';

ALTER TABLE {{local audit_log}} {{on_cluster}} COMMENT COLUMN Source 'Way it came in: api, cli, console or reload; daemon when nobody asked for it';
ALTER TABLE {{table audit_log}} {{on_cluster}} COMMENT COLUMN Source 'Way it came in: api, cli, console or reload; daemon when nobody asked for it';
