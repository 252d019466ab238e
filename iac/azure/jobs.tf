# Everything but the endpoint is a job: started by messages in its queue, by a clock, or by who says what to do.
resource "azurerm_container_app_job" "job" {
  for_each = local.jobs

  name                         = each.value.name
  resource_group_name          = azurerm_resource_group.this.name
  location                     = azurerm_resource_group.this.location
  container_app_environment_id = azurerm_container_app_environment.this.id
  replica_timeout_in_seconds   = each.value.timeout
  replica_retry_limit          = each.value.retries

  # Looked at as the function: an execution for each message, as many at once as may be.
  dynamic "event_trigger_config" {
    for_each = each.value.kind == "event" ? [each.value.function] : []
    content {
      scale {
        min_executions              = 0
        max_executions              = coalesce(local.functions[each.value.function].concurrency, 10)
        polling_interval_in_seconds = var.polling_seconds

        rules {
          name             = "messages"
          custom_rule_type = "azure-queue"
          identity_id      = azurerm_user_assigned_identity.function[each.value.function].id

          metadata = {
            accountName = azurerm_storage_account.zones.name
            queueName   = azurerm_storage_queue.events[each.value.function].name
            queueLength = "1"
          }
        }
      }
    }
  }

  dynamic "schedule_trigger_config" {
    for_each = each.value.kind == "schedule" ? [each.value.cron] : []
    content {
      cron_expression = schedule_trigger_config.value
    }
  }

  dynamic "manual_trigger_config" {
    for_each = each.value.kind == "job" ? [each.value.function] : []
    content {
      parallelism              = 1
      replica_completion_count = 1
    }
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.function[each.value.function].id]
  }

  dynamic "registry" {
    for_each = local.registries
    content {
      server   = registry.value
      identity = azurerm_user_assigned_identity.function[each.value.function].id
    }
  }

  # Webhooks are told of by their URLs, which are secrets.
  dynamic "secret" {
    for_each = local.functions[each.value.function].publishes ? ["alerts"] : []
    content {
      name  = secret.value
      value = local.alerts
    }
  }

  template {
    container {
      name    = "function"
      image   = var.image
      command = ["python"]
      args    = each.value.args
      cpu     = local.cpu[each.value.function]
      memory  = "${local.cpu[each.value.function] * 2}Gi"

      dynamic "env" {
        for_each = merge(local.environment[each.value.function], local.started[each.value.function], each.value.environment)
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.functions[each.value.function].publishes ? ["alerts"] : []
        content {
          name        = "TIDEMILL_ALERTS"
          secret_name = env.value
        }
      }
    }
  }

  depends_on = [azurerm_role_assignment.pull, azurerm_role_assignment.queue, azurerm_role_assignment.grant]
}

locals {
  # A reader goes on while there are messages and time for a whole one, so that it may take twice its function's time.
  readers = {
    for name, each in local.events : name => {
      kind     = "event"
      name     = "${var.name}-${local.slug[name]}"
      function = name
      timeout  = 2 * each.timeout
      retries  = 0
      cron     = ""
      args     = ["-m", "core.hosts.queued"]
      environment = {
        TIDEMILL_FUNCTION     = name
        TIDEMILL_QUEUE        = "${azurerm_storage_account.zones.primary_queue_endpoint}${azurerm_storage_queue.events[name].name}"
        TIDEMILL_DEAD_LETTERS = "${azurerm_storage_account.zones.primary_queue_endpoint}${azurerm_storage_queue.dead_letters[name].name}"
      }
    }
  }

  # A turn of a schedule is a job of its own: it may take as long as its function declares.
  turns = {
    for name, each in local.declared.schedules : name => {
      kind        = "schedule"
      name        = "${trimsuffix(substr(name, 0, 23), "-")}-${substr(sha1(name), 0, 8)}"
      function    = each.function
      timeout     = local.functions[each.function].timeout
      retries     = 3
      cron        = each.cron
      args        = ["-m", "core.hosts.scheduled", each.function, each.model]
      environment = {}
    }
  }

  # Run when they are started alone; who starts them says what to do.
  startable = {
    for name, each in local.functions : name => {
      kind        = "job"
      name        = "${var.name}-${local.slug[name]}"
      function    = name
      timeout     = each.timeout
      retries     = 1
      cron        = ""
      args        = ["-m", "functions.${name}"]
      environment = {}
    } if each.kind == "job"
  }

  jobs = merge(local.readers, local.turns, local.startable)

  # How those that start jobs do.
  started = {
    for name, each in local.functions : name => {
      for job in each.starts : "TIDEMILL_JOBS" => "azurejobs://${var.subscription}/${azurerm_resource_group.this.name}/${local.startable[job].name}"
    }
  }

  alerts = trimspace("${replace(azurerm_eventgrid_topic.alerts.endpoint, "https://", "eventgrid://")} ${var.alerts}")

  registries = var.registry == "" ? [] : [split("/", var.image)[0]]
}
