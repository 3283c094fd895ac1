output "url" {
  description = "Where the API is reached."
  value       = module.wharf.url
}

output "balancer_dns_name" {
  description = "What domain_name must lead to, where you make the record."
  value       = module.wharf.balancer_dns_name
}

output "admin_key_secret_arn" {
  description = "Secret that holds the admin key."
  value       = module.wharf.admin_key_secret_arn
}

output "slots" {
  description = "By slot: Auto Scaling group, zone, ids of instances."
  value       = module.wharf.slots
}

output "nat_addresses" {
  description = "Addresses from which sessions reach WhatsApp."
  value       = module.wharf.nat_addresses
}
