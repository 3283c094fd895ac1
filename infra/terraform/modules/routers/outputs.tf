output "dns_name" {
  description = "Name of the load balancer, for a record of your own."
  value       = aws_lb.this.dns_name
}

output "balancer_metric_id" {
  description = "How CloudWatch names the load balancer."
  value       = aws_lb.this.arn_suffix
}

output "target_metric_id" {
  description = "How CloudWatch names its target group."
  value       = aws_lb_target_group.this.arn_suffix
}

output "group_name" {
  description = "Name of the Auto Scaling group of the routers."
  value       = module.machines.group_name
}

output "user_data" {
  description = "What the routers' machines are told at their first start, readable: for tests and reviews."
  value       = module.machines.user_data
}
