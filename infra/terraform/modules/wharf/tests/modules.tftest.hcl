# The modules one by one: encryption, who may reach what, who may do what.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  name        = "wharf-test"
  kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "network" {
  command = plan

  module {
    source = "../network"
  }

  variables {
    zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) : subnet.map_public_ip_on_launch == false])
    error_message = "No subnet may give public addresses by itself."
  }

  assert {
    condition     = length(distinct([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) : subnet.cidr_block])) == 6
    error_message = "Subnets must not overlap."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat) == 3
    error_message = "Each zone must have a NAT gateway of its own."
  }

  assert {
    condition     = length(aws_default_security_group.this.ingress) == 0 && length(aws_default_security_group.this.egress) == 0
    error_message = "The default security group must let nothing through."
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-central-1.s3"
    error_message = "S3 must be reached inside the network."
  }
}

run "firewall" {
  command = plan

  module {
    source = "../firewall"
  }

  variables {
    vpc_id                = "vpc-0123456789abcdef0"
    internal              = false
    client_cidrs          = ["0.0.0.0/0"]
    monitoring_cidrs      = ["10.50.0.0/24"]
    nat_addresses         = { eu-central-1a = "198.51.100.7" }
    instances_per_machine = 2
  }

  assert {
    condition     = [for rule in concat(values(aws_vpc_security_group_ingress_rule.clients), values(aws_vpc_security_group_ingress_rule.metrics), values(aws_vpc_security_group_ingress_rule.own)) : "${rule.cidr_ipv4} ${rule.from_port}" if rule.cidr_ipv4 == "0.0.0.0/0"] == ["0.0.0.0/0 443"]
    error_message = "Everybody may reach the listener, where client_cidrs says so, and nothing else."
  }

  assert {
    condition     = alltrue([for rule in values(aws_vpc_security_group_ingress_rule.flow) : rule.cidr_ipv4 == null])
    error_message = "Between machines only groups may be named, never addresses."
  }

  assert {
    condition     = length([for key in keys(aws_vpc_security_group_ingress_rule.flow) : key if startswith(key, "balancer-")]) == 1
    error_message = "The load balancer may reach routers alone."
  }

  assert {
    condition     = alltrue([for rule in concat(values(aws_vpc_security_group_ingress_rule.flow), values(aws_vpc_security_group_ingress_rule.metrics)) : rule.from_port != 22 && rule.ip_protocol == "tcp"])
    error_message = "There is no SSH."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.flow["router-instance"].from_port == 3001 && aws_vpc_security_group_ingress_rule.flow["router-instance"].to_port == 3002
    error_message = "Two instances on a machine listen on 3001 and 3002."
  }
}

run "nobody_where_nobody_is_named" {
  command = plan

  module {
    source = "../firewall"
  }

  variables {
    vpc_id                = "vpc-0123456789abcdef0"
    internal              = true
    instances_per_machine = 1
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.clients) == 0 && length(aws_vpc_security_group_ingress_rule.own) == 0 && length(aws_vpc_security_group_ingress_rule.metrics) == 0
    error_message = "Without client_cidrs nobody outside reaches anything."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.flow["instance-balancer"].from_port == 443
    error_message = "Instances must reach an internal load balancer, to drain themselves."
  }
}

run "storage" {
  command = plan

  module {
    source = "../storage"
  }

  variables {
    subnet_ids        = { a = "subnet-a", b = "subnet-b" }
    security_group_id = "sg-1"
    owner_id          = 870
  }

  assert {
    condition     = aws_efs_file_system.this.encrypted && aws_efs_file_system.this.kms_key_id == var.kms_key_arn
    error_message = "Profiles must be encrypted with the fleet's key."
  }

  assert {
    condition     = aws_efs_access_point.this.posix_user[0].uid == 870 && aws_efs_access_point.this.root_directory[0].creation_info[0].permissions == "0700" && aws_efs_access_point.this.root_directory[0].creation_info[0].owner_uid == 870
    error_message = "The access point must write as wharf, in a directory of wharf's alone."
  }

  assert {
    condition     = length(aws_efs_mount_target.this) == 2
    error_message = "Each zone must have a mount target."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_efs_file_system_policy.this.policy).Statement : statement.Effect == "Deny"]) && length([for statement in jsondecode(aws_efs_file_system_policy.this.policy).Statement : true if try(statement.Condition.Bool["aws:SecureTransport"], "") == "false"]) == 1
    error_message = "What comes without TLS must be denied."
  }

  assert {
    condition     = aws_efs_backup_policy.this.backup_policy[0].status == "ENABLED"
    error_message = "AWS Backup must keep a copy where nothing else is said."
  }
}

run "redis" {
  command = plan

  module {
    source = "../redis"
  }

  override_module {
    target          = module.token
    override_during = plan
    outputs         = { value = "mockmockmockmockmockmockmockmockmockmockmockmockmockmockmockmock" }
  }

  variables {
    name              = "wharf-test-queues"
    purpose           = "queues"
    node_type         = "cache.m7g.large"
    nodes             = 3
    replicas_to_write = 1
    subnet_ids        = ["subnet-a", "subnet-b"]
    security_group_id = "sg-1"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required" && tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled) && aws_elasticache_replication_group.this.kms_key_id == var.kms_key_arn
    error_message = "Redis must be encrypted, in transit and at rest, with no way around."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled && aws_elasticache_replication_group.this.num_cache_clusters == 3
    error_message = "Redis must fail over by itself, between zones."
  }

  assert {
    condition     = nonsensitive(length(aws_elasticache_replication_group.this.auth_token)) == 64
    error_message = "Redis must ask for a token."
  }

  assert {
    condition     = { for parameter in aws_elasticache_parameter_group.this.parameter : parameter.name => parameter.value }["maxmemory-policy"] == "noeviction"
    error_message = "Redis must never throw anything away."
  }

  assert {
    condition     = { for parameter in aws_elasticache_parameter_group.this.parameter : parameter.name => parameter.value }["min-replicas-to-write"] == "1"
    error_message = "Queues must not take what no replica has."
  }

  assert {
    condition     = startswith(nonsensitive(aws_secretsmanager_secret_version.url.secret_string), "rediss://:")
    error_message = "Redis must be spoken to by TLS, with its token."
  }

  assert {
    condition     = output.node_ids == ["wharf-test-queues-001", "wharf-test-queues-002", "wharf-test-queues-003"]
    error_message = "Nodes must be named as CloudWatch names them."
  }
}

run "redis_refuses_one_node_and_replicas_that_all_must_be_there" {
  command = plan

  module {
    source = "../redis"
  }

  variables {
    name              = "wharf-test-queues"
    purpose           = "queues"
    node_type         = "m7g.large"
    nodes             = 2
    replicas_to_write = 1
    subnet_ids        = ["subnet-a", "subnet-b"]
    security_group_id = "sg-1"
  }

  expect_failures = [var.replicas_to_write, var.node_type]
}

run "bucket" {
  command = plan

  module {
    source = "../bucket"
  }

  variables {
    name             = "wharf-test-backups"
    object_lock_days = 14
    logging          = { bucket = "logs" }
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "Nothing of the bucket may be public."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    error_message = "Backups must be encrypted with the fleet's key."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled" && !aws_s3_bucket.this.force_destroy
    error_message = "The bucket must keep versions, and stay while there is something in it."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : length(rule.expiration) == 0])
    error_message = "No current object of backups may expire: it may be part of the newest one."
  }

  assert {
    condition     = aws_s3_bucket.this.object_lock_enabled && aws_s3_bucket_object_lock_configuration.this[0].rule[0].default_retention[0].days == 14
    error_message = "Object Lock must hold where it is asked for."
  }

  assert {
    condition     = length([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : true if statement.Effect == "Deny" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false"]) == 1 && alltrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Effect == "Deny"])
    error_message = "The bucket's policy must deny what comes without TLS, and allow nobody anything."
  }
}

run "role_of_instances" {
  command = plan

  module {
    source = "../iam"
  }

  variables {
    role             = "instance"
    secret_arns      = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:wharf-test-internal-token-AbCdEf"]
    package_arns     = ["arn:aws:s3:::packages/wharf.deb"]
    file_system_arn  = "arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-1"
    access_point_arn = "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-1"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Sid if contains(statement.Resource, "*")] == ["OwnMetrics", "SystemsManager"]
    error_message = "Only what AWS knows no resources for may be allowed on all of them."
  }

  assert {
    condition     = alltrue(flatten([for statement in jsondecode(output.policy).Statement : [for action in statement.Action : !strcontains(action, "*")]]))
    error_message = "Actions must be named one by one."
  }

  assert {
    condition     = length([for statement in jsondecode(output.policy).Statement : true if contains(statement.Action, "s3:PutObject") || contains(statement.Action, "s3:ListBucket") || contains(statement.Action, "ssm:GetParameters")]) == 0
    error_message = "Machines that run sessions must reach no backup, and no settings but their own."
  }
}

run "role_of_backups" {
  command = plan

  module {
    source = "../iam"
  }

  variables {
    role              = "backup"
    secret_arns       = ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:wharf-test-internal-token-AbCdEf"]
    package_arns      = ["arn:aws:s3:::packages/wharf.deb"]
    file_system_arn   = "arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-1"
    access_point_arn  = "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-1"
    backup_bucket_arn = "arn:aws:s3:::wharf-test-backups"
  }

  assert {
    condition     = [for statement in jsondecode(output.policy).Statement : statement.Resource if statement.Sid == "Backups"] == [["arn:aws:s3:::wharf-test-backups/backups/*"]]
    error_message = "The backup service must write below its prefix alone."
  }

  assert {
    condition     = length([for statement in jsondecode(output.policy).Statement : true if contains(statement.Action, "s3:DeleteObjectVersion") || contains(statement.Action, "s3:BypassGovernanceRetention")]) == 0
    error_message = "The backup service must not be able to remove for ever."
  }
}
