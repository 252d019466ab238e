# Each function is somebody of its own, and may do what it declares and nothing else.
resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = "tidemill-${substr(local.slug[each.key], 0, 20)}"
  display_name = each.value.description
}

resource "google_project_iam_custom_role" "grant" {
  for_each = local.grants

  role_id     = replace("${var.name}.${each.key}", "/[^a-zA-Z0-9_.]/", "_")
  title       = "Tidemill: ${each.value.function} on ${each.value.zone}"
  permissions = distinct(flatten([for verb in each.value.verbs : local.permissions[verb]]))
}

resource "google_storage_bucket_iam_member" "grant" {
  for_each = local.grants

  bucket = google_storage_bucket.zone[each.value.zone].name
  role   = google_project_iam_custom_role.grant[each.key].id
  member = google_service_account.function[each.value.function].member
}

# Who calls the functions: push subscriptions and the scheduler.
resource "google_service_account" "caller" {
  account_id   = "tidemill-caller"
  display_name = "Calls Tidemill's functions with events and schedules."
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = local.events

  name     = "${var.name}-${local.slug[each.key]}"
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.caller.member

  depends_on = [google_cloud_run_v2_service.function, google_cloudfunctions2_function.function]
}

resource "google_cloud_run_v2_job_iam_member" "starts" {
  for_each = local.starters

  name     = google_cloud_run_v2_job.job[each.value.job].name
  location = var.region
  role     = "roles/run.jobsExecutorWithOverrides"
  member   = google_service_account.function[each.value.function].member
}

resource "google_pubsub_topic_iam_member" "alerts" {
  for_each = { for name, each in local.functions : name => each if each.publishes }

  topic  = google_pubsub_topic.alerts.id
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.key].member
}
