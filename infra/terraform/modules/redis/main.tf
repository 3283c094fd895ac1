# One Redis of ElastiCache: a primary with replicas in other zones, cluster mode off, since Wharf's scripts touch keys of several slots.
#
# There is no append-only file: ElastiCache has none on Redis after 2.8.22, nor on any replication group with Multi-AZ. What stands in its place is
# said in docs/aws.md: replicas, Wharf's WAIT for one of them, refusal to write without one where replicas_to_write says so, and daily snapshots.

module "token" {
  source = "../token"

  generation = var.token_generation
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-redis7"
  family      = "redis7"
  description = var.purpose

  # Full means that writes are refused, never that a lease or a message is thrown away.
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  # A quarter stays free for snapshots and for replicas that join.
  parameter {
    name  = "reserved-memory-percent"
    value = "25"
  }

  parameter {
    name  = "min-replicas-to-write"
    value = tostring(var.replicas_to_write)
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id = var.name
  description          = var.purpose

  engine               = "redis"
  engine_version       = "7.1"
  node_type            = var.node_type
  num_cache_clusters   = var.nodes
  parameter_group_name = aws_elasticache_parameter_group.this.name
  port                 = 6379

  automatic_failover_enabled = true
  multi_az_enabled           = true
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [var.security_group_id]

  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auth_token                 = module.token.value
  auth_token_update_strategy = var.token_strategy

  snapshot_retention_limit  = var.snapshot_days
  snapshot_window           = "02:15-03:15" # UTC, away from the full hour, at which backups begin
  final_snapshot_identifier = "${var.name}-final"
  maintenance_window        = "sun:03:30-sun:04:30"
  # No notification_topic_arn: ElastiCache cannot write to an encrypted topic. CloudWatch sees the nodes (module alarms).

  auto_minor_version_upgrade = true
  apply_immediately          = false

  tags = { Name = var.name }

  # A name or an engine that changes would replace it, and with it all queues. A later version is taken in place, an earlier one never.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_secretsmanager_secret" "url" {
  name                    = "${var.name}-url"
  description             = "URL of Redis with its auth token: ${var.purpose}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = 30
}

resource "aws_secretsmanager_secret_version" "url" {
  secret_id     = aws_secretsmanager_secret.url.id
  secret_string = "rediss://:${module.token.value}@${aws_elasticache_replication_group.this.primary_endpoint_address}:6379"
}
