/*
 * lag.h - how kgroups lag sums up
 */
#ifndef KGROUPS_LAG_H
#define KGROUPS_LAG_H

enum lag_by { LAG_BY_PARTITION, LAG_BY_TOPIC, LAG_BY_GROUP };

#endif /* KGROUPS_LAG_H */
