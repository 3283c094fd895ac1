# A whole fleet in one region: network, storage, Redis, buckets, secrets, machines and alarms.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # The number that the package gives to wharf on every machine (systemd/sysusers.d).
  owner_id = 870

  instances    = var.instance_machines * var.instances_per_machine
  zones        = [for zone in var.zones : zone if !contains(var.avoided_zones, zone)]
  package_arns = [for key in concat([var.packages.wharf_key, var.packages.efs_utils_key], keys(var.packages.chromium)) : "arn:${data.aws_partition.current.partition}:s3:::${var.packages.bucket}/${key}"]

  # Names of buckets are unique in all of AWS.
  bucket_suffix = "${data.aws_caller_identity.current.account_id}-${data.aws_region.current.name}"
}

module "encryption" {
  source = "../encryption"

  name = var.name
}

module "network" {
  source = "../network"

  name                = var.name
  cidr                = var.cidr
  zones               = var.zones
  nat_per_zone        = var.nat_per_zone
  interface_endpoints = var.interface_endpoints
  kms_key_arn         = module.encryption.key_arn
}

module "firewall" {
  source = "../firewall"

  name                  = var.name
  vpc_id                = module.network.vpc_id
  client_cidrs          = var.client_cidrs
  internal              = var.internal
  nat_addresses         = module.network.nat_addresses
  monitoring_cidrs      = var.monitoring_cidrs
  instances_per_machine = var.instances_per_machine
  egress_ports          = var.egress_ports
}

module "storage" {
  source = "../storage"

  name              = var.name
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.firewall.group_ids["storage"]
  kms_key_arn       = module.encryption.key_arn
  owner_id          = local.owner_id
  throughput        = var.storage.throughput
  provisioned_mib   = var.storage.provisioned_mib
  daily_backup      = var.storage.daily_backup
}

# Two, so that full queues never stop leases.
module "redis_ownership" {
  source = "../redis"

  name              = "${var.name}-ownership"
  purpose           = "Ownership and registry of ${var.name}"
  node_type         = var.redis.ownership_node_type
  nodes             = var.redis.ownership_nodes
  subnet_ids        = values(module.network.private_subnet_ids)
  security_group_id = module.firewall.group_ids["redis"]
  kms_key_arn       = module.encryption.key_arn
  token_generation  = var.redis.token_generation
  token_strategy    = var.redis.token_strategy
}

module "redis_queues" {
  source = "../redis"

  name      = "${var.name}-queues"
  purpose   = "Queues and events of ${var.name}"
  node_type = var.redis.queues_node_type
  nodes     = var.redis.queues_nodes
  # With two replicas one may be away, and each message is still in two places or refused.
  replicas_to_write = 1
  subnet_ids        = values(module.network.private_subnet_ids)
  security_group_id = module.firewall.group_ids["redis"]
  kms_key_arn       = module.encryption.key_arn
  token_generation  = var.redis.token_generation
  token_strategy    = var.redis.token_strategy
}

module "logs" {
  source = "../bucket"

  name            = "${var.name}-logs-${local.bucket_suffix}"
  log_delivery    = true
  noncurrent_days = 7
  expire_days     = 90
}

module "backups" {
  source = "../bucket"

  name             = "${var.name}-backups-${local.bucket_suffix}"
  kms_key_arn      = module.encryption.key_arn
  noncurrent_days  = var.backup_noncurrent_days
  object_lock_days = var.backup_object_lock_days
  logging          = { bucket = module.logs.name }
}

module "secrets" {
  source = "../secrets"

  name        = var.name
  kms_key_arn = module.encryption.key_arn
  generations = var.secret_generations
}

module "iam" {
  source   = "../iam"
  for_each = local.settings

  name              = var.name
  role              = each.key
  kms_key_arn       = module.encryption.key_arn
  secret_arns       = distinct(flatten([for file in values(each.value) : values(file.secrets)]))
  package_arns      = local.package_arns
  file_system_arn   = module.storage.file_system_arn
  access_point_arn  = module.storage.access_point_arn
  backup_bucket_arn = each.key == "backup" ? module.backups.arn : null
}

module "instances" {
  source = "../instances"

  name                  = var.name
  machines              = var.instance_machines
  instances_per_machine = var.instances_per_machine
  subnet_ids            = module.network.private_subnet_ids
  avoided_zones         = var.avoided_zones
  machine = merge(local.machine, {
    machine_type          = var.instance_machine_type
    disk_gib              = var.instance_disk_gib
    security_group_id     = module.firewall.group_ids["instance"]
    instance_profile_name = module.iam["instance"].instance_profile_name
    parameter             = aws_ssm_parameter.settings["instance"].name
    drain_seconds         = var.drain_seconds
  })
}

module "routers" {
  source = "../routers"

  name                       = var.name
  machines                   = var.router_machines
  vpc_id                     = module.network.vpc_id
  internal                   = var.internal
  balancer_subnet_ids        = values(var.internal ? module.network.private_subnet_ids : module.network.public_subnet_ids)
  balancer_security_group_id = module.firewall.group_ids["balancer"]
  certificate_arn            = var.certificate_arn
  domain_name                = var.domain_name
  zone_id                    = var.dns_zone_id
  log_bucket                 = module.logs.name
  deletion_protection        = var.deletion_protection
  subnet_ids                 = [for zone in local.zones : module.network.private_subnet_ids[zone]]
  machine = merge(local.machine, {
    machine_type          = var.router_machine_type
    disk_gib              = 32
    security_group_id     = module.firewall.group_ids["router"]
    instance_profile_name = module.iam["router"].instance_profile_name
    parameter             = aws_ssm_parameter.settings["router"].name
  })
}

# One is enough: where its machine is lost the group starts another, in any zone, and that one catches up on what was missed.
module "backup_service" {
  source = "../machine"

  name                  = var.name
  role                  = "backup"
  slot                  = "all"
  subnet_ids            = [for zone in local.zones : module.network.private_subnet_ids[zone]]
  ami_id                = local.machine.ami_id
  machine_type          = var.backup_machine_type
  disk_gib              = var.backup_disk_gib
  security_group_id     = module.firewall.group_ids["backup"]
  instance_profile_name = module.iam["backup"].instance_profile_name
  parameter             = aws_ssm_parameter.settings["backup"].name
  packages              = local.machine.packages
  file_system_id        = local.machine.file_system_id
  access_point_id       = local.machine.access_point_id
  owner_id              = local.machine.owner_id
}

locals {
  machine = {
    ami_id          = var.ami_id
    packages        = var.packages
    file_system_id  = module.storage.file_system_id
    access_point_id = module.storage.access_point_id
    owner_id        = local.owner_id
  }
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = module.encryption.key_arn
}

resource "aws_sns_topic_subscription" "mail" {
  for_each = var.alarm_emails

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

module "alarms" {
  source = "../alarms"

  name      = var.name
  topic_arn = aws_sns_topic.alarms.arn
  groups = merge(
    { for slot in values(module.instances.slots) : slot.group => 1 },
    { (module.routers.group_name) = var.router_machines, (module.backup_service.group_name) = 1 },
  )
  slots              = keys(module.instances.slots)
  file_system_id     = module.storage.file_system_id
  throughput         = var.storage.throughput
  redis_nodes        = concat(module.redis_ownership.node_ids, module.redis_queues.node_ids)
  balancer_metric_id = module.routers.balancer_metric_id
  target_metric_id   = module.routers.target_metric_id
  limits             = var.alarm_limits
}
