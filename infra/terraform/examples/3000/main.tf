# 3000 sessions. Where the sizes come from, what they cost, and what to measure before you believe them: docs/aws.md.

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

  # 300 sessions of 300 MB are 90 GB of 137: the rest is for the system, the file cache, and browsers that start.
  instance_machines     = var.instance_machines
  home_count            = var.home_count
  instance_machine_type = "r7i.4xlarge"
  sessions_per_instance = 300

  redis        = { queues_node_type = "cache.r7g.xlarge" }
  alarm_limits = { storage_gib = 1536 }
}
