/*
 * config_changes.c - AlterConfigs, IncrementalAlterConfigs, UpdateFeatures
 *
 * All are the controller's to decide; levels of loggers are set here.
 */
#include "kbrokerd/api/change.h"
#include "kbrokerd/api/loggers.h"
#include "kbrokerd/api/registry.h"

void api_alter_configs(struct request *req)
{
	change_submit(req, NULL);
}

void api_incremental_alter_configs(struct request *req)
{
	change_submit(req, loggers_alter);
}

void api_update_features(struct request *req)
{
	change_submit(req, NULL);
}
