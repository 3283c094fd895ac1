provider "aws" {
  region = var.region
}

module "wharf" {
  source = "../../modules/wharf"

  name             = var.name
  zones            = var.zones
  ami_id           = var.ami_id
  packages         = var.packages
  domain_name      = var.domain_name
  certificate_arn  = var.certificate_arn
  dns_zone_id      = var.dns_zone_id
  client_cidrs     = var.client_cidrs
  monitoring_cidrs = var.monitoring_cidrs
  alarm_emails     = var.alarm_emails
  avoided_zones    = var.avoided_zones

  instance_machines     = coalesce(var.instance_machines, local.size.machines)
  home_count            = var.home_count
  instance_machine_type = "r7i.4xlarge"
  sessions_per_instance = 300

  redis        = { queues_node_type = local.size.queues_node_type }
  alarm_limits = { storage_gib = local.size.storage_gib }
}
