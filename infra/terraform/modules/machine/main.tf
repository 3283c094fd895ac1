# Machines of one kind: how they start, and the group that keeps as many running as there should be. A slot is a group of one, so that what takes the
# place of a lost machine has the same instances.

data "aws_region" "current" {}

locals {
  group = var.slot == "all" ? "${var.name}-${var.role}" : "${var.name}-${var.role}-${var.slot}"

  # Anybody who may describe machines can read this: no secrets.
  environment = {
    WHARF_NAME             = var.name
    WHARF_ROLE             = var.role
    WHARF_SLOT             = var.slot
    WHARF_INSTANCES        = join(" ", var.instance_numbers)
    WHARF_REGION           = data.aws_region.current.name
    WHARF_GROUP            = local.group
    WHARF_PARAMETER        = var.parameter
    WHARF_OWNER_ID         = var.owner_id
    WHARF_DRAIN_SECONDS    = var.drain_seconds
    WHARF_PACKAGE_BUCKET   = var.packages.bucket
    WHARF_PACKAGE_KEY      = var.packages.wharf_key
    WHARF_PACKAGE_SHA256   = var.packages.wharf_sha256
    WHARF_EFS_UTILS_KEY    = var.packages.efs_utils_key
    WHARF_EFS_UTILS_SHA256 = var.packages.efs_utils_sha256
    WHARF_CHROMIUM         = join(" ", [for key, sum in var.packages.chromium : "${key}=${sum}"])
  }

  unit = var.role == "instance" ? "wharf-instance@.service" : "wharf-${var.role}.service"

  programs = ["wharf-aws-boot", "wharf-aws-chromium", "wharf-aws-leave", "wharf-aws-metadata", "wharf-aws-metrics", "wharf-aws-settings"]
  units    = ["wharf-aws-guard.service", "wharf-aws-leave.service", "wharf-aws-metrics.service", "wharf-aws-metrics.timer", "wharf-aws-settings.service"]

  files = concat(
    [
      { path = "/etc/wharf/aws.env", permissions = "0644", content = join("", [for key, value in local.environment : "${key}=\"${value}\"\n"]) },
      { path = "/etc/wharf/metadata.nft", permissions = "0644", content = file("${path.module}/files/metadata.nft") },
      {
        path        = "/etc/systemd/system/mnt-wharf.mount"
        permissions = "0644"
        content = templatefile("${path.module}/files/mnt-wharf.mount.tftpl", {
          file_system_id  = var.file_system_id
          access_point_id = var.access_point_id
        })
      },
    ],
    [for name in local.programs : { path = "/usr/local/sbin/${name}", permissions = "0755", content = file("${path.module}/files/${name}") }],
    [for name in local.units : { path = "/etc/systemd/system/${name}", permissions = "0644", content = file("${path.module}/files/${name}") }],
    # Of an instance's own settings only its port is not the same for all; INSTANCE_ID is the unit's.
    [
      for index, number in var.instance_numbers : {
        path        = "/etc/wharf/instance-${number}.env"
        permissions = "0644"
        content     = "PORT=${3001 + index}\n"
      }
    ],
    # Settings first; and where processes of wharf may have no credentials, nothing of it runs before the guard stands.
    [
      {
        path        = "/etc/systemd/system/${local.unit}.d/aws.conf"
        permissions = "0644"
        content = join("\n", concat(
          ["[Unit]", "After=wharf-aws-settings.service wharf-aws-guard.service"],
          var.role == "backup" ? [] : ["Requires=wharf-aws-guard.service"],
          [""],
        ))
      },
    ],
    # The slice of all instances has 85 % of the memory; a fair part of it for each, or one that grows starves the others.
    [
      for count in length(var.instance_numbers) > 1 ? [length(var.instance_numbers)] : [] : {
        path        = "/etc/systemd/system/wharf-instance@.service.d/memory.conf"
        permissions = "0644"
        content     = "[Service]\nMemoryMax=${floor(85 / count)}%\n"
      }
    ],
  )

  user_data = "#cloud-config\n${jsonencode({
    # wharf-aws-boot gives the name, and cloud-init would take it away again at the next start.
    preserve_hostname = true
    write_files       = local.files
    runcmd            = [["/usr/local/sbin/wharf-aws-boot"]]
  })}"
}

resource "aws_launch_template" "this" {
  name                   = local.group
  image_id               = var.ami_id
  instance_type          = var.machine_type
  update_default_version = true
  user_data              = base64gzip(local.user_data)

  iam_instance_profile {
    name = var.instance_profile_name
  }

  network_interfaces {
    associate_public_ip_address = false
    delete_on_termination       = true
    security_groups             = [var.security_group_id]
  }

  # Version 2 alone, and not from containers. Tags and the group's wishes are read there.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      encrypted             = true
      volume_type           = "gp3"
      volume_size           = var.disk_gib
      delete_on_termination = true
    }
  }

  monitoring {
    enabled = true
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = local.group, "wharf:fleet" = var.name, "wharf:role" = var.role, "wharf:slot" = var.slot }
  }

  tag_specifications {
    resource_type = "volume"
    tags          = { Name = local.group, "wharf:fleet" = var.name }
  }

  tags = { Name = local.group }

  lifecycle {
    precondition {
      # EC2 takes 16 KB; base64 of what it takes is a third longer.
      condition     = length(base64gzip(local.user_data)) < 16384 * 4 / 3
      error_message = "The user data of ${local.group} is longer than the 16 KB that EC2 takes."
    }
  }
}

resource "aws_autoscaling_group" "this" {
  name                = local.group
  min_size            = var.count_of_machines
  max_size            = var.count_of_machines
  desired_capacity    = var.count_of_machines
  vpc_zone_identifier = var.subnet_ids
  target_group_arns   = var.target_group_arns

  # Machines are replaced, not processes: those are systemd's business, and nothing is gained by new machines while Redis or the storage is away.
  health_check_type         = "EC2"
  health_check_grace_period = 300

  # Two machines with the instances of one slot would quarrel about the lease: the old one goes first. Routers come first, then go.
  instance_maintenance_policy {
    min_healthy_percentage = var.slot == "all" ? 100 : 0
    max_healthy_percentage = var.slot == "all" ? 200 : 100
  }

  # Moving machines between zones for balance's sake would take sessions down for nothing.
  suspended_processes = ["AZRebalance"]
  enabled_metrics     = ["GroupInServiceInstances", "GroupDesiredCapacity"]

  launch_template {
    id      = aws_launch_template.this.id
    version = "$Latest"
  }

  # No instance_refresh: it would replace the machines of all slots at one time. docs/aws.md replaces one after another.

  # In service only when its units are ready; one that fails to start is given back.
  initial_lifecycle_hook {
    name                 = "launch"
    lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING"
    heartbeat_timeout    = 1200
    default_result       = "ABANDON"
  }

  # An instance's machine drains itself first (wharf-aws-leave), and is heard of each minute; one that is not heard of for five is ended as it is.
  dynamic "initial_lifecycle_hook" {
    for_each = var.role == "instance" ? [1] : []

    content {
      name                 = "leave"
      lifecycle_transition = "autoscaling:EC2_INSTANCE_TERMINATING"
      heartbeat_timeout    = 300
      default_result       = "CONTINUE"
    }
  }

  dynamic "tag" {
    for_each = { Name = local.group, "wharf:fleet" = var.name, "wharf:role" = var.role, "wharf:slot" = var.slot }

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false
    }
  }

  timeouts {
    delete = "${ceil(var.drain_seconds / 60) + 20}m"
  }
}
