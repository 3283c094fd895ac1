variable "name" {
  description = "Name of the fleet; begins the names of all that is made."
  type        = string
  nullable    = false
}

variable "vpc_id" {
  description = "Id of the network."
  type        = string
  nullable    = false
}

variable "client_cidrs" {
  description = "Addresses whose programs may use the HTTP API, as \"192.0.2.0/24\". The only place where 0.0.0.0/0 has any use."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0)) && !strcontains(cidr, ":")])
    error_message = "client_cidrs must be IPv4 ranges such as 192.0.2.0/24."
  }
}

variable "internal" {
  description = "The load balancer has private addresses alone. Else instances, which drain themselves through it, come to it by way of NAT."
  type        = bool
  nullable    = false
}

variable "nat_addresses" {
  description = "Addresses of the NAT gateways, by zone; used where the load balancer is not internal."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "monitoring_cidrs" {
  description = "Addresses from which Prometheus may read metrics of routers, instances and the backup service."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.monitoring_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "monitoring_cidrs must be IPv4 ranges such as 10.50.0.0/24, and not everybody."
  }
}

variable "instances_per_machine" {
  description = "Instances on one machine: they listen from port 3001 on."
  type        = number
  nullable    = false
}

variable "egress_ports" {
  description = "TCP ports that machines may connect to anywhere: HTTPS for WhatsApp, AWS and webhooks, HTTP for Debian's packages. Add those of sessions' proxies and of webhook receivers on others."
  type        = set(number)
  default     = [80, 443]
  nullable    = false

  validation {
    condition     = contains(var.egress_ports, 443) && alltrue([for port in var.egress_ports : port > 0 && port < 65536])
    error_message = "egress_ports must hold 443, which WhatsApp is reached by, and ports alone."
  }
}
