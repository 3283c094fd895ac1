output "group_name" {
  description = "Name of the Auto Scaling group."
  value       = aws_autoscaling_group.this.name
}

output "user_data" {
  description = "What its machines are told at their first start, readable: for tests and reviews. Nothing secret."
  value       = local.user_data
}
