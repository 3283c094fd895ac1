output "url" {
  description = "Where the API is reached, once domain_name leads to balancer_dns_name."
  value       = "https://${var.domain_name}"
}

output "balancer_dns_name" {
  description = "Name of the load balancer, for a record of your own."
  value       = module.routers.dns_name
}

output "admin_key_secret_arn" {
  description = "Secret that holds the admin key. Make keys of your own with it, then begin."
  value       = module.secrets.admin_key_arn
}

output "internal_token_secret_arn" {
  description = "Secret that holds what Prometheus must show to instances."
  value       = module.secrets.internal_token_arn
}

output "slots" {
  description = "By slot: Auto Scaling group, zone, ids of instances."
  value       = module.instances.slots
}

output "nat_addresses" {
  description = "Addresses from which sessions reach WhatsApp, by zone."
  value       = module.network.nat_addresses
}

output "private_subnet_ids" {
  description = "Subnets of the machines, by zone: for a Prometheus of your own."
  value       = module.network.private_subnet_ids
}

output "vpc_id" {
  description = "Id of the network."
  value       = module.network.vpc_id
}

output "backup_bucket" {
  description = "Bucket of the backups."
  value       = module.backups.name
}

output "alarm_topic_arn" {
  description = "SNS topic of all alarms."
  value       = aws_sns_topic.alarms.arn
}

output "alarm_names" {
  description = "Names of all alarms."
  value       = module.alarms.alarm_names
}

output "file_system_id" {
  description = "The shared storage."
  value       = module.storage.file_system_id
}

output "user_data" {
  description = "What machines are told at their first start, readable; nothing secret. By slot, and for routers and backup."
  value       = merge({ for slot, text in module.instances.user_data : "instance-${slot}" => text }, { router = module.routers.user_data, backup = module.backup_service.user_data })
}
