resource "azurerm_log_analytics_workspace" "this" {
  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = azurerm_resource_group.this.location
  sku                 = "PerGB2018"
  retention_in_days   = 30
}

resource "azurerm_container_app_environment" "this" {
  name                       = var.name
  resource_group_name        = azurerm_resource_group.this.name
  location                   = azurerm_resource_group.this.location
  logs_destination           = "log-analytics"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id
}

# What is asked over HTTP. It alone can be reached from outside.
resource "azurerm_container_app" "endpoint" {
  for_each = local.endpoints

  name                         = "${var.name}-${local.slug[each.key]}"
  resource_group_name          = azurerm_resource_group.this.name
  container_app_environment_id = azurerm_container_app_environment.this.id
  revision_mode                = "Single"

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.function[each.key].id]
  }

  dynamic "registry" {
    for_each = local.registries
    content {
      server   = registry.value
      identity = azurerm_user_assigned_identity.function[each.key].id
    }
  }

  ingress {
    external_enabled = true
    target_port      = 8080

    traffic_weight {
      latest_revision = true
      percentage      = 100
    }
  }

  template {
    min_replicas                     = 0
    max_replicas                     = coalesce(each.value.concurrency, 10)
    termination_grace_period_seconds = each.value.timeout

    container {
      name    = "endpoint"
      image   = var.image
      command = ["python", "-m", "functions.${each.key}.container"]
      cpu     = local.cpu[each.key]
      memory  = "${local.cpu[each.key] * 2}Gi"

      readiness_probe {
        transport = "HTTP"
        port      = 8080
        path      = "/v2/health/ready"
      }

      liveness_probe {
        transport = "HTTP"
        port      = 8080
        path      = "/v2/health/live"
      }

      dynamic "env" {
        for_each = merge(local.environment[each.key], var.endpoint_settings, { TIDEMILL_ACCESS = var.access })
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  depends_on = [azurerm_role_assignment.pull]
}
