# Who may speak to whom, in one table. Security groups are named by what stands in them; what is not in the table is refused.

locals {
  groups = {
    balancer = "Load balancer of the HTTP API"
    router   = "Routers"
    instance = "Machines that run sessions"
    backup   = "Backup service"
    storage  = "Shared storage of profiles"
    redis    = "Redis of ownership and of queues"
  }

  machines       = ["router", "instance", "backup"]
  instance_ports = [3001, 3000 + var.instances_per_machine]

  # from, to, first port, last port, what for
  flows = merge(
    {
      "balancer-router" = ["balancer", "router", 3000, 3000, "requests, and health checks"]
      "router-instance" = ["router", "instance", local.instance_ports[0], local.instance_ports[1], "requests to the owner of a session"]
      "backup-instance" = ["backup", "instance", local.instance_ports[0], local.instance_ports[1], "copies of sessions"]
      "router-backup"   = ["router", "backup", 3100, 3100, "backups and restores that operators ask for"]
    },
    { for machine in local.machines : "${machine}-storage" => [machine, "storage", 2049, 2049, "NFS inside TLS"] },
    { for machine in local.machines : "${machine}-redis" => [machine, "redis", 6379, 6379, "Redis by TLS"] },
    # Instances that leave ask for their drain at the API.
    { for name in var.internal ? ["instance-balancer"] : [] : name => ["instance", "balancer", 443, 443, "instances that drain themselves"] },
  )

  metrics = {
    router   = [3000, 3000]
    instance = local.instance_ports
    backup   = [3100, 3100]
  }
}

resource "aws_security_group" "this" {
  for_each = local.groups

  name_prefix = "${var.name}-${each.key}-"
  description = each.value
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-${each.key}" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value[1]].id
  referenced_security_group_id = aws_security_group.this[each.value[0]].id
  description                  = each.value[4]
  ip_protocol                  = "tcp"
  from_port                    = each.value[2]
  to_port                      = each.value[3]
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value[0]].id
  referenced_security_group_id = aws_security_group.this[each.value[1]].id
  description                  = each.value[4]
  ip_protocol                  = "tcp"
  from_port                    = each.value[2]
  to_port                      = each.value[3]
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.client_cidrs

  security_group_id = aws_security_group.this["balancer"].id
  description       = "Programs that use the HTTP API"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "own" {
  for_each = var.internal ? {} : var.nat_addresses

  security_group_id = aws_security_group.this["balancer"].id
  description       = "Instances that drain themselves, by way of NAT in ${each.key}"
  cidr_ipv4         = "${each.value}/32"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "metrics" {
  for_each = { for pair in setproduct(keys(local.metrics), var.monitoring_cidrs) : "${pair[0]} ${pair[1]}" => pair }

  security_group_id = aws_security_group.this[each.value[0]].id
  description       = "Prometheus"
  cidr_ipv4         = each.value[1]
  ip_protocol       = "tcp"
  from_port         = local.metrics[each.value[0]][0]
  to_port           = local.metrics[each.value[0]][1]
}

resource "aws_vpc_security_group_egress_rule" "outside" {
  for_each = { for pair in setproduct(local.machines, var.egress_ports) : "${pair[0]} ${pair[1]}" => pair }

  security_group_id = aws_security_group.this[each.value[0]].id
  description       = "WhatsApp, AWS, webhooks, packages"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.value[1])
  to_port           = tonumber(each.value[1])
}
