# The whole fleet, as its outputs and machines show it.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

variables {
  name   = "wharf-test"
  zones  = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  ami_id = "ami-0123456789abcdef0"
  packages = {
    bucket           = "packages"
    wharf_key        = "wharf_0.1.0_amd64.deb"
    wharf_sha256     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    efs_utils_key    = "amazon-efs-utils.deb"
    efs_utils_sha256 = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  }
  domain_name           = "wharf.example.com"
  certificate_arn       = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  client_cidrs          = ["203.0.113.0/24"]
  alarm_emails          = ["ops@example.com"]
  instance_machines     = 4
  instances_per_machine = 2
  sessions_per_instance = 100
  instance_machine_type = "r7i.4xlarge"
}

run "a_fleet" {
  command = plan

  assert {
    condition     = output.url == "https://wharf.example.com"
    error_message = "x"
  }
}
