// Members of groups, and what the admin knows of groups.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	pollTime     = 50 * time.Millisecond
	metadataTime = 300 * time.Millisecond
	heartbeat    = 100 * time.Millisecond
)

// A partition travels as [topic, partition], an offset as those and a third.
type place struct {
	topic     string
	partition int32
	offset    int64
}

func (p *place) UnmarshalJSON(raw []byte) error {
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	for i, to := range []any{&p.topic, &p.partition, &p.offset} {
		if i == len(all) {
			break
		}
		if err := json.Unmarshal(all[i], to); err != nil {
			return err
		}
	}
	return nil
}

type groupRequest struct {
	Member    string   `json:"member"`
	Members   []string `json:"members"`
	Group     string   `json:"group"`
	Pattern   *string  `json:"pattern"`
	Protocol  string   `json:"protocol"`
	Assignor  *string  `json:"assignor"`
	Instance  *string  `json:"instance"`
	SessionMS *int     `json:"session_ms"`
	Offsets   []place  `json:"offsets"`
	Places    []place  `json:"places"`
}

type spot struct {
	topic     string
	partition int32
}

type member struct {
	client *kgo.Client
	mutex  sync.Mutex
	owned  map[spot]bool
	joined int
	failed any
	// Their commit was refused while the group moved: told again with what
	// is committed next.
	pending []*kgo.Record
}

func (m *member) assigned(_ context.Context, _ *kgo.Client, got map[string][]int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.joined++
	for topic, parts := range got {
		for _, p := range parts {
			m.owned[spot{topic, p}] = true
		}
	}
}

func (m *member) revoked(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for topic, parts := range gone {
		for _, p := range parts {
			delete(m.owned, spot{topic, p})
		}
	}
	m.pending = slices.DeleteFunc(m.pending, func(r *kgo.Record) bool {
		return !m.owned[spot{r.Topic, r.Partition}]
	})
}

var balancers = map[string]kgo.GroupBalancer{
	"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(),
	"sticky": kgo.StickyBalancer(), "uniform": kgo.StickyBalancer(),
	"cooperative-sticky": kgo.CooperativeStickyBalancer(),
}

func (d *driver) join(_ context.Context, q request) (answer, error) {
	m := &member{owned: map[spot]bool{}}
	session := 30 * time.Second
	if q.SessionMS != nil {
		session = time.Duration(*q.SessionMS) * time.Millisecond
	}
	options := []kgo.Opt{
		kgo.ConsumerGroup(q.Group), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.BlockRebalanceOnPoll(), kgo.OnPartitionsAssigned(m.assigned),
		kgo.OnPartitionsRevoked(m.revoked), kgo.OnPartitionsLost(m.revoked),
		kgo.HeartbeatInterval(heartbeat), kgo.SessionTimeout(session),
		kgo.MetadataMaxAge(metadataTime),
		kgo.FetchMaxWait(20 * time.Millisecond),
	}
	if q.Pattern != nil {
		options = append(options, kgo.ConsumeTopics(*q.Pattern),
			kgo.ConsumeRegex())
	} else {
		options = append(options, kgo.ConsumeTopics(q.Topics...))
	}
	if q.Instance != nil {
		options = append(options, kgo.InstanceID(*q.Instance))
	}
	if q.Protocol == "consumer" {
		assignor := "uniform"
		if q.Assignor != nil {
			assignor = *q.Assignor
		}
		options = append(options, kgo.ServerSideBalancer(),
			kgo.Balancers(balancers[assignor]))
	} else if q.Assignor != nil {
		options = append(options, kgo.Balancers(balancers[*q.Assignor]))
	}
	m.client = d.connect(options...)
	d.members[q.Member] = m
	return nil, nil
}

func codeOf(err error) any {
	var known *kerr.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return err.Error()
}

// Refused because the group rebalances: that is no error.
func isMoving(err error) bool {
	return errors.Is(err, kerr.IllegalGeneration) ||
		errors.Is(err, kerr.RebalanceInProgress) ||
		errors.Is(err, kerr.UnknownMemberID) ||
		errors.Is(err, kerr.StaleMemberEpoch)
}

func (m *member) poll(ctx context.Context) answer {
	short, cancel := context.WithTimeout(ctx, pollTime)
	fetches := m.client.PollRecords(short, 1000)
	cancel()
	defer m.client.AllowRebalance()
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) {
			m.failed = codeOf(e.Err)
		}
	}
	m.mutex.Lock()
	records, rows := append(m.pending, fetches.Records()...), [][3]any{}
	m.mutex.Unlock()
	for _, r := range records {
		rows = append(rows, [3]any{r.Topic, r.Partition, r.Offset})
	}
	committed := true
	if len(records) > 0 {
		if err := m.client.CommitRecords(ctx, records...); err != nil {
			committed = false
			if !isMoving(err) {
				m.failed = codeOf(err)
			}
		}
	}
	m.mutex.Lock()
	m.pending = nil
	if !committed {
		m.pending = records
	}
	m.mutex.Unlock()
	return answer{"owned": m.places(), "joined": m.joined,
		"error": m.failed, "batches": []answer{
			{"records": rows, "committed": committed}}}
}

func (m *member) places() [][2]any {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	owned := [][2]any{}
	for at := range m.owned {
		owned = append(owned, [2]any{at.topic, at.partition})
	}
	return owned
}

func (d *driver) owned(_ context.Context, q request) (answer, error) {
	out := answer{}
	for _, name := range q.Members {
		out[name] = d.members[name].places()
	}
	return answer{"members": out}, nil
}

func (d *driver) poll(ctx context.Context, q request) (answer, error) {
	out := answer{}
	for _, name := range q.Members {
		out[name] = d.members[name].poll(ctx)
	}
	return answer{"members": out}, nil
}

func (d *driver) leave(_ context.Context, q request) (answer, error) {
	d.members[q.Member].client.CloseAllowingRebalance()
	delete(d.members, q.Member)
	return nil, nil
}

func (d *driver) seek(_ context.Context, q request) (answer, error) {
	d.members[q.Member].client.SetOffsets(
		map[string]map[int32]kgo.EpochOffset{q.Topic: {
			q.Partition: {Epoch: -1, Offset: q.Offset}}})
	return nil, nil
}

func (d *driver) assignors(_ context.Context, q request) (answer, error) {
	if q.Protocol == "consumer" {
		return answer{"assignors": []string{"uniform", "range"}}, nil
	}
	return answer{"assignors": []string{"range", "roundrobin", "sticky",
		"cooperative-sticky"}}, nil
}

func (d *driver) groups(ctx context.Context, _ request) (answer, error) {
	out, err := d.admin.ListGroups(ctx)
	return answer{"groups": out.Groups()}, err
}

func (d *driver) group(ctx context.Context, q request) (answer, error) {
	members := []answer{}
	listed, err := d.admin.ListGroupsByType(ctx, []string{"consumer"})
	if err != nil {
		return nil, err
	}
	if _, is := listed[q.Group]; is {
		out, err := d.admin.DescribeConsumerGroups(ctx, q.Group)
		if err != nil {
			return nil, err
		}
		for _, m := range out[q.Group].Members {
			parts := [][2]any{}
			for topic, some := range m.Assignment {
				for p := range some {
					parts = append(parts, [2]any{topic, p})
				}
			}
			members = append(members, answer{"partitions": parts})
		}
		return answer{"state": strings.ToLower(out[q.Group].State),
			"members": members}, out[q.Group].Err
	}
	out, err := d.admin.DescribeGroups(ctx, q.Group)
	if err != nil {
		return nil, err
	}
	for _, m := range out[q.Group].Members {
		parts := [][2]any{}
		if assigned, is := m.Assigned.AsConsumer(); is {
			for _, t := range assigned.Topics {
				for _, p := range t.Partitions {
					parts = append(parts, [2]any{t.Topic, p})
				}
			}
		}
		members = append(members, answer{"partitions": parts})
	}
	return answer{"state": strings.ToLower(out[q.Group].State),
		"members": members}, out[q.Group].Err
}

func (d *driver) groupOffsets(ctx context.Context, q request) (answer, error) {
	out, err := d.admin.FetchOffsets(ctx, q.Group)
	rows := [][3]any{}
	for _, o := range out.Sorted() {
		rows = append(rows, [3]any{o.Topic, o.Partition, o.At})
	}
	return answer{"offsets": rows}, err
}

func (d *driver) alterOffsets(ctx context.Context, q request) (answer, error) {
	offsets := kadm.Offsets{}
	for _, o := range q.Offsets {
		offsets.AddOffset(o.topic, o.partition, o.offset, -1)
	}
	return nil, d.admin.CommitAllOffsets(ctx, q.Group, offsets)
}

func (d *driver) deleteOffsets(ctx context.Context, q request) (answer, error) {
	gone := kadm.TopicsSet{}
	for _, p := range q.Places {
		gone.Add(p.topic, p.partition)
	}
	out, err := d.admin.DeleteOffsets(ctx, q.Group, gone)
	if err != nil {
		return nil, err
	}
	return nil, out.Error()
}

func (d *driver) deleteGroup(ctx context.Context, q request) (answer, error) {
	_, err := d.admin.DeleteGroup(ctx, q.Group)
	return nil, err
}
