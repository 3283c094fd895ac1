# Routers behind a load balancer that speaks TLS and nothing else.

resource "aws_lb" "this" {
  name               = var.name
  load_balancer_type = "application"
  internal           = var.internal
  subnets            = var.balancer_subnet_ids
  security_groups    = [var.balancer_security_group_id]

  idle_timeout               = var.idle_seconds
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.deletion_protection

  access_logs {
    bucket  = var.log_bucket
    prefix  = var.name
    enabled = true
  }

  tags = { Name = var.name }
}

resource "aws_lb_target_group" "this" {
  name                 = var.name
  vpc_id               = var.vpc_id
  port                 = 3000
  protocol             = "HTTP" # inside the network; see docs/security.md
  target_type          = "instance"
  deregistration_delay = 60 # longer than a request is held

  # WHARF_STOP_DELAY of the module wharf is interval times unhealthy_threshold, and timeout.
  # A router is ready when it knows the fleet; one whose Redis is away answers still, from what it knows.
  health_check {
    path                = "/ready"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  tags = { Name = var.name }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = var.tls_policy
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

# /metrics is open at a router, for Prometheus inside the network: not for the world.
resource "aws_lb_listener_rule" "metrics" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1

  condition {
    path_pattern {
      values = ["/metrics"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      status_code  = "404"
      message_body = "not here"
    }
  }
}

resource "aws_route53_record" "this" {
  count = var.zone_id == null ? 0 : 1

  zone_id = var.zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = false
  }
}

module "machines" {
  source = "../machine"

  name              = var.name
  role              = "router"
  slot              = "all"
  count_of_machines = var.machines
  subnet_ids        = var.subnet_ids
  target_group_arns = [aws_lb_target_group.this.arn]

  ami_id                = var.machine.ami_id
  machine_type          = var.machine.machine_type
  disk_gib              = var.machine.disk_gib
  security_group_id     = var.machine.security_group_id
  instance_profile_name = var.machine.instance_profile_name
  parameter             = var.machine.parameter
  packages              = var.machine.packages
  file_system_id        = var.machine.file_system_id
  access_point_id       = var.machine.access_point_id
  owner_id              = var.machine.owner_id
}
