output "group_ids" {
  description = "Ids of the security groups: balancer, router, instance, backup, storage, redis."
  value       = { for key, group in aws_security_group.this : key => group.id }

  depends_on = [
    aws_vpc_security_group_ingress_rule.flow,
    aws_vpc_security_group_egress_rule.flow,
    aws_vpc_security_group_egress_rule.outside,
  ]
}
