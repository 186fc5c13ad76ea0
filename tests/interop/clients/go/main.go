// The driver of franz-go: see ../python/driver.py for what it is asked.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const wait = 20 * time.Second

type header struct {
	name  string
	value []byte
}

// A header travels as [name, value].
func (h *header) UnmarshalJSON(raw []byte) error {
	var both [2]*json.RawMessage
	if err := json.Unmarshal(raw, &both); err != nil {
		return err
	}
	if err := json.Unmarshal(*both[0], &h.name); err != nil {
		return err
	}
	if both[1] == nil {
		return nil
	}
	return json.Unmarshal(*both[1], &h.value)
}

func (h header) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]any{h.name, h.value})
}

type record struct {
	Key     []byte   `json:"key"`
	Value   []byte   `json:"value"`
	Headers []header `json:"headers"`
	Time    *int64   `json:"time"`
	Offset  int64    `json:"offset"`
}

type request struct {
	Do         string            `json:"do"`
	Topic      string            `json:"topic"`
	Topics     []string          `json:"topics"`
	Partition  int32             `json:"partition"`
	Partitions int32             `json:"partitions"`
	Configs    map[string]string `json:"configs"`
	Records    []record          `json:"records"`
	Codec      string            `json:"codec"`
	Offset     int64             `json:"offset"`
	Count      int               `json:"count"`
	First      int               `json:"first"`
	Time       int64             `json:"time"`
	groupRequest
}

type answer map[string]any

type driver struct {
	address   string
	client    *kgo.Client
	admin     *kadm.Client
	producers map[string]*kgo.Client
	members   map[string]*member
	stream    *kgo.Client
	target    request
	mutex     sync.Mutex
	failed    error
}

func (d *driver) connect(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options,
		kgo.SeedBrokers(d.address),
		kgo.MetadataMinAge(10*time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration {
			return 20 * time.Millisecond
		}),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		panic(err)
	}
	return client
}

// Topics

func (d *driver) create(ctx context.Context, q request) (answer, error) {
	configs := map[string]*string{}
	for name, value := range q.Configs {
		configs[name] = kadm.StringPtr(value)
	}
	_, err := d.admin.CreateTopic(ctx, q.Partitions, 1, configs, q.Topic)
	return nil, err
}

func (d *driver) createMany(ctx context.Context, q request) (answer, error) {
	out, err := d.admin.CreateTopics(ctx, q.Partitions, 1, nil, q.Topics...)
	if err != nil {
		return nil, err
	}
	return nil, out.Error()
}

func (d *driver) delete(ctx context.Context, q request) (answer, error) {
	_, err := d.admin.DeleteTopic(ctx, q.Topic)
	return nil, err
}

func (d *driver) deleteMany(ctx context.Context, q request) (answer, error) {
	out, err := d.admin.DeleteTopics(ctx, q.Topics...)
	if err != nil {
		return nil, err
	}
	return nil, out.Error()
}

func (d *driver) list(ctx context.Context, _ request) (answer, error) {
	out, err := d.admin.ListTopics(ctx)
	return answer{"topics": out.Names()}, err
}

func (d *driver) describe(ctx context.Context, q request) (answer, error) {
	out, err := d.admin.ListTopics(ctx, q.Topic)
	if err != nil {
		return nil, err
	}
	if err := out[q.Topic].Err; err != nil {
		return nil, err
	}
	parts := []answer{}
	for _, p := range out[q.Topic].Partitions.Sorted() {
		parts = append(parts, answer{"partition": p.Partition,
			"leader": p.Leader, "replicas": p.Replicas, "isr": p.ISR})
	}
	return answer{"partitions": parts}, nil
}

func (d *driver) configs(ctx context.Context, q request) (answer, error) {
	out, err := d.admin.DescribeTopicConfigs(ctx, q.Topic)
	if err != nil {
		return nil, err
	}
	found := map[string]*string{}
	for _, c := range out[0].Configs {
		found[c.Key] = c.Value
	}
	return answer{"configs": found}, out[0].Err
}

func (d *driver) alter(ctx context.Context, q request) (answer, error) {
	var rows []kadm.AlterConfig
	for name, value := range q.Configs {
		rows = append(rows, kadm.AlterConfig{Op: kadm.SetConfig,
			Name: name, Value: kadm.StringPtr(value)})
	}
	out, err := d.admin.AlterTopicConfigs(ctx, rows, q.Topic)
	if err != nil {
		return nil, err
	}
	return nil, out[0].Err
}

func (d *driver) grow(ctx context.Context, q request) (answer, error) {
	out, err := d.admin.UpdatePartitions(ctx, int(q.Partitions), q.Topic)
	if err != nil {
		return nil, err
	}
	return nil, out.Error()
}

// Records

var codecs = map[string]kgo.CompressionCodec{
	"": kgo.NoCompression(), "none": kgo.NoCompression(),
	"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func (d *driver) produce(ctx context.Context, q request) (answer, error) {
	client := d.producers[q.Codec]
	if client == nil {
		client = d.connect(kgo.ProducerBatchCompression(codecs[q.Codec]))
		d.producers[q.Codec] = client
	}
	var records []*kgo.Record
	for _, r := range q.Records {
		out := &kgo.Record{Topic: q.Topic, Partition: q.Partition,
			Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			out.Headers = append(out.Headers,
				kgo.RecordHeader{Key: h.name, Value: h.value})
		}
		if r.Time != nil {
			out.Timestamp = time.UnixMilli(*r.Time)
		}
		records = append(records, out)
	}
	return nil, client.ProduceSync(ctx, records...).FirstErr()
}

func (d *driver) take(ctx context.Context, q request) ([]*kgo.Record, error) {
	client := d.connect(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		q.Topic: {q.Partition: kgo.NewOffset().At(q.Offset)}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	defer client.Close()
	var out []*kgo.Record
	for len(out) < q.Count {
		fetches := client.PollRecords(ctx, q.Count-len(out))
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		out = append(out, fetches.Records()...)
	}
	return out, nil
}

func (d *driver) consume(ctx context.Context, q request) (answer, error) {
	taken, err := d.take(ctx, q)
	rows := []record{}
	for _, r := range taken {
		when := r.Timestamp.UnixMilli()
		out := record{Key: r.Key, Value: r.Value, Time: &when,
			Offset: r.Offset, Headers: []header{}}
		for _, h := range r.Headers {
			out.Headers = append(out.Headers, header{h.Key, h.Value})
		}
		rows = append(rows, out)
	}
	return answer{"records": rows}, err
}

func (d *driver) consumeNumbers(ctx context.Context, q request) (answer, error) {
	q.Offset = 0
	taken, err := d.take(ctx, q)
	numbers := []int{}
	for _, r := range taken {
		n, _ := strconv.Atoi(string(r.Value))
		numbers = append(numbers, n)
	}
	return answer{"numbers": numbers}, err
}

// franz-go is idempotent unless told otherwise.
func (d *driver) open(_ context.Context, q request) (answer, error) {
	d.target = q
	d.stream = d.connect(kgo.ProducerBatchMaxBytes(1000),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	return nil, nil
}

func (d *driver) send(_ context.Context, q request) (answer, error) {
	for n := q.First; n < q.First+q.Count; n++ {
		d.stream.Produce(context.Background(), &kgo.Record{
			Topic: d.target.Topic, Partition: d.target.Partition,
			Value: []byte(strconv.Itoa(n))},
			func(_ *kgo.Record, err error) {
				d.mutex.Lock()
				defer d.mutex.Unlock()
				if d.failed == nil {
					d.failed = err
				}
			})
	}
	return nil, nil
}

func (d *driver) flush(ctx context.Context, _ request) (answer, error) {
	if err := d.stream.Flush(ctx); err != nil {
		return nil, err
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	err := d.failed
	d.failed = nil
	return nil, err
}

// Positions

func (d *driver) watermarks(ctx context.Context, q request) (answer, error) {
	low, err := d.admin.ListStartOffsets(ctx, q.Topic)
	if err != nil {
		return nil, err
	}
	high, err := d.admin.ListEndOffsets(ctx, q.Topic)
	return answer{"offsets": [2]int64{
		low[q.Topic][q.Partition].Offset,
		high[q.Topic][q.Partition].Offset}}, err
}

func (d *driver) offsetFor(ctx context.Context, q request) (answer, error) {
	out, err := d.admin.ListOffsetsAfterMilli(ctx, q.Time, q.Topic)
	return answer{"offset": out[q.Topic][q.Partition].Offset}, err
}

func (d *driver) deleteRecords(ctx context.Context, q request) (answer, error) {
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: q.Topic, Partition: q.Partition,
		At: q.Offset})
	out, err := d.admin.DeleteRecords(ctx, offsets)
	if err != nil {
		return nil, err
	}
	return nil, out.Error()
}

func failure(err error) answer {
	out := answer{"error": err.Error()}
	var known *kerr.Error
	if errors.As(err, &known) {
		out["code"] = known.Code
	}
	return out
}

func main() {
	d := &driver{address: os.Args[1], producers: map[string]*kgo.Client{},
		members: map[string]*member{}}
	d.client = d.connect()
	d.admin = kadm.NewClient(d.client)
	calls := map[string]func(context.Context, request) (answer, error){
		"create": d.create, "create_many": d.createMany,
		"delete": d.delete, "delete_many": d.deleteMany, "list": d.list,
		"describe": d.describe, "configs": d.configs, "alter": d.alter,
		"grow": d.grow, "produce": d.produce, "consume": d.consume,
		"consume_numbers": d.consumeNumbers, "open": d.open,
		"send": d.send, "flush": d.flush, "watermarks": d.watermarks,
		"offset_for": d.offsetFor, "delete_records": d.deleteRecords,
		"join": d.join, "poll": d.poll, "leave": d.leave, "seek": d.seek,
		"owned":     d.owned,
		"assignors": d.assignors, "groups": d.groups, "group": d.group,
		"group_offsets": d.groupOffsets, "alter_offsets": d.alterOffsets,
		"delete_offsets": d.deleteOffsets, "delete_group": d.deleteGroup,
	}
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var q request
		if err := json.Unmarshal(line, &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		result, err := calls[q.Do](ctx, q)
		cancel()
		if err != nil {
			result = failure(err)
		} else if result == nil {
			result = answer{}
		}
		if err := out.Encode(result); err != nil {
			return
		}
	}
}
