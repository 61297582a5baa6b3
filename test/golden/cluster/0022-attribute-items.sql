ALTER TABLE `otel`.`otel_traces_local` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)) COMMENT 'ResourceAttributes as key=value each';

ALTER TABLE `otel`.`otel_traces_local` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS SpanAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(SpanAttributes), mapValues(SpanAttributes)) COMMENT 'SpanAttributes as key=value each';

ALTER TABLE `otel`.`otel_logs_local` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)) COMMENT 'ResourceAttributes as key=value each';

ALTER TABLE `otel`.`otel_logs_local` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS ScopeAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ScopeAttributes), mapValues(ScopeAttributes)) COMMENT 'ScopeAttributes as key=value each';

ALTER TABLE `otel`.`otel_logs_local` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS LogAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(LogAttributes), mapValues(LogAttributes)) COMMENT 'LogAttributes as key=value each';

ALTER TABLE `otel`.`otel_traces` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)) COMMENT 'ResourceAttributes as key=value each';

ALTER TABLE `otel`.`otel_traces` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS SpanAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(SpanAttributes), mapValues(SpanAttributes)) COMMENT 'SpanAttributes as key=value each';

ALTER TABLE `otel`.`otel_logs` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes), mapValues(ResourceAttributes)) COMMENT 'ResourceAttributes as key=value each';

ALTER TABLE `otel`.`otel_logs` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS ScopeAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ScopeAttributes), mapValues(ScopeAttributes)) COMMENT 'ScopeAttributes as key=value each';

ALTER TABLE `otel`.`otel_logs` ON CLUSTER `main` ADD COLUMN IF NOT EXISTS LogAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(LogAttributes), mapValues(LogAttributes)) COMMENT 'LogAttributes as key=value each';

ALTER TABLE `otel`.`audit_log_local` ON CLUSTER `main` COMMENT COLUMN Source 'Way it came in: api, cli, console or reload; daemon when nobody asked for it';

ALTER TABLE `otel`.`audit_log` ON CLUSTER `main` COMMENT COLUMN Source 'Way it came in: api, cli, console or reload; daemon when nobody asked for it';
