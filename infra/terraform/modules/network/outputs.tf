output "vpc_id" {
  description = "Id of the network."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Ids of the subnets for machines, by zone."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }

  # What starts there needs the way out at once.
  depends_on = [aws_route.nat, aws_route_table_association.private, aws_vpc_endpoint.s3]
}

output "public_subnet_ids" {
  description = "Ids of the subnets for load balancers that face the Internet, by zone."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }

  depends_on = [aws_route.internet, aws_route_table_association.public]
}

output "nat_addresses" {
  description = "Addresses from which sessions reach WhatsApp, and webhooks their receivers, by zone."
  value       = { for zone, eip in aws_eip.nat : zone => eip.public_ip }
}
