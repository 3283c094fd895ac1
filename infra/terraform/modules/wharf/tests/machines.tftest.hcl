# Machines, the groups that keep them, and the load balancer before the routers.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  name = "wharf-test"
  machine = {
    ami_id                = "ami-0123456789abcdef0"
    machine_type          = "r7i.4xlarge"
    disk_gib              = 64
    security_group_id     = "sg-1"
    instance_profile_name = "wharf-test-instance"
    parameter             = "/wharf-test/instance"
    packages = {
      bucket           = "packages"
      wharf_key        = "wharf.deb"
      wharf_sha256     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      efs_utils_key    = "efs.deb"
      efs_utils_sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    }
    file_system_id  = "fs-1"
    access_point_id = "fsap-1"
    owner_id        = 870
    drain_seconds   = 1200
  }
}

run "a_slot" {
  command = plan

  module {
    source = "../machine"
  }

  variables {
    role                  = "instance"
    slot                  = "3"
    instance_numbers      = [5, 6]
    ami_id                = "ami-0123456789abcdef0"
    machine_type          = "r7i.4xlarge"
    disk_gib              = 64
    subnet_ids            = ["subnet-a"]
    security_group_id     = "sg-1"
    instance_profile_name = "wharf-test-instance"
    parameter             = "/wharf-test/instance"
    packages              = var.machine.packages
    file_system_id        = "fs-1"
    access_point_id       = "fsap-1"
    owner_id              = 870
  }

  assert {
    condition     = aws_autoscaling_group.this.name == "wharf-test-instance-3" && aws_autoscaling_group.this.min_size == 1 && aws_autoscaling_group.this.max_size == 1
    error_message = "A slot must be a group of one, named after it."
  }

  assert {
    condition     = tobool(aws_launch_template.this.network_interfaces[0].associate_public_ip_address) == false
    error_message = "No machine may have a public address."
  }

  assert {
    condition     = aws_launch_template.this.metadata_options[0].http_tokens == "required" && aws_launch_template.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Metadata must ask for a token."
  }

  assert {
    condition     = tobool(aws_launch_template.this.block_device_mappings[0].ebs[0].encrypted)
    error_message = "Disks must be encrypted."
  }

  assert {
    condition     = aws_launch_template.this.key_name == null || aws_launch_template.this.key_name == ""
    error_message = "There must be no key for SSH."
  }

  assert {
    condition     = { for hook in aws_autoscaling_group.this.initial_lifecycle_hook : hook.name => hook.default_result } == { launch = "ABANDON", leave = "CONTINUE" }
    error_message = "A machine must be ready before it is in service, and drained before it goes."
  }

  assert {
    condition     = aws_autoscaling_group.this.instance_maintenance_policy[0].max_healthy_percentage == 100 && length(aws_autoscaling_group.this.instance_refresh) == 0
    error_message = "Two machines must never have one slot, and all slots never be replaced at one time."
  }

  assert {
    condition     = strcontains(output.user_data, "/etc/wharf/instance-5.env") && strcontains(output.user_data, "PORT=3002")
    error_message = "The second instance of a machine must have a port of its own."
  }
}

run "the_machine_of_backups" {
  command = plan

  module {
    source = "../machine"
  }

  variables {
    role                  = "backup"
    slot                  = "all"
    ami_id                = "ami-0123456789abcdef0"
    machine_type          = "m7i.large"
    disk_gib              = 64
    subnet_ids            = ["subnet-a", "subnet-b"]
    security_group_id     = "sg-1"
    instance_profile_name = "wharf-test-backup"
    parameter             = "/wharf-test/backup"
    packages              = var.machine.packages
    file_system_id        = "fs-1"
    access_point_id       = "fsap-1"
    owner_id              = 870
  }

  assert {
    condition     = [for hook in aws_autoscaling_group.this.initial_lifecycle_hook : hook.name] == ["launch"] && length(aws_autoscaling_group.this.vpc_zone_identifier) == 2
    error_message = "The backup service has nothing to drain, and may stand in any zone."
  }
}

run "routers" {
  command = plan

  module {
    source = "../routers"
  }

  variables {
    machines                   = 2
    vpc_id                     = "vpc-1"
    internal                   = false
    balancer_subnet_ids        = ["subnet-x", "subnet-y"]
    balancer_security_group_id = "sg-2"
    certificate_arn            = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
    domain_name                = "wharf.example.com"
    zone_id                    = "Z0123456789"
    log_bucket                 = "logs"
    subnet_ids                 = ["subnet-a", "subnet-b"]
  }

  assert {
    condition     = aws_lb_listener.https.protocol == "HTTPS" && aws_lb_listener.https.port == 443 && startswith(aws_lb_listener.https.ssl_policy, "ELBSecurityPolicy-TLS13-1-2")
    error_message = "The listener must speak TLS 1.2 or newer."
  }

  assert {
    condition     = aws_lb.this.enable_deletion_protection && aws_lb.this.drop_invalid_header_fields && aws_lb.this.access_logs[0].enabled
    error_message = "The load balancer must be protected, strict, and logged."
  }

  assert {
    condition     = aws_lb_target_group.this.health_check[0].path == "/ready" && aws_lb_target_group.this.deregistration_delay == "60"
    error_message = "A router gets requests when it is ready, and finishes those it has."
  }

  # In milliseconds, against WHARF_STOP_DELAY in fleet.tftest.hcl.
  assert {
    condition     = 1000 * (aws_lb_target_group.this.health_check[0].interval * aws_lb_target_group.this.health_check[0].unhealthy_threshold + aws_lb_target_group.this.health_check[0].timeout) <= 35000
    error_message = "The load balancer must see that a router goes before it is gone."
  }

  assert {
    condition     = aws_route53_record.this[0].name == "wharf.example.com"
    error_message = "The name must lead to the load balancer."
  }
}

run "routers_refuse_old_tls_and_being_alone" {
  command = plan

  module {
    source = "../routers"
  }

  variables {
    machines                   = 1
    vpc_id                     = "vpc-1"
    internal                   = false
    balancer_subnet_ids        = ["subnet-x", "subnet-y"]
    balancer_security_group_id = "sg-2"
    certificate_arn            = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
    domain_name                = "wharf.example.com"
    log_bucket                 = "logs"
    tls_policy                 = "ELBSecurityPolicy-2016-08"
    subnet_ids                 = ["subnet-a", "subnet-b"]
  }

  expect_failures = [var.machines, var.tls_policy]
}
