import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The driver of Kafka's own clients: see ../python/driver.py for what it is asked. */
public class Driver {
	private static final ObjectMapper JSON = new ObjectMapper();
	private static final long WAIT_MS = 20000;

	interface Call {
		void on(JsonNode question, ObjectNode answer) throws Exception;
	}

	private final String address;
	private final Admin admin;
	private final KafkaConsumer<byte[], byte[]> consumer;
	private final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
	private KafkaProducer<byte[], byte[]> stream;
	private TopicPartition target;
	private List<Future<RecordMetadata>> sent = new ArrayList<>();
	private final Groups groups;

	private Driver(String address) {
		this.address = address;
		admin = Admin.create(config());
		Map<String, Object> more = config();
		more.put("auto.offset.reset", "none");
		more.put("fetch.max.wait.ms", 20); // one that waits holds up the next position
		consumer = new KafkaConsumer<>(more, new ByteArrayDeserializer(), new ByteArrayDeserializer());
		groups = new Groups(admin, config());
	}

	private Map<String, Object> config() {
		Map<String, Object> out = new HashMap<>();
		out.put("bootstrap.servers", address);
		out.put("reconnect.backoff.ms", 10);
		out.put("reconnect.backoff.max.ms", 100);
		out.put("retry.backoff.ms", 20);
		out.put("retry.backoff.max.ms", 100);
		return out;
	}

	private KafkaProducer<byte[], byte[]> producer(String codec, int batch) {
		Map<String, Object> more = config();
		more.put("compression.type", codec);
		more.put("batch.size", batch);
		return new KafkaProducer<>(more, new ByteArraySerializer(), new ByteArraySerializer());
	}

	private static byte[] raw(JsonNode node) {
		return node == null || node.isNull() ? null : Base64.getDecoder().decode(node.asText());
	}

	private static String base(byte[] bytes) {
		return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
	}

	private static String topic(JsonNode q) {
		return q.get("topic").asText();
	}

	private static TopicPartition partition(JsonNode q) {
		return new TopicPartition(topic(q), q.get("partition").asInt());
	}

	private static List<String> topics(JsonNode q) {
		List<String> out = new ArrayList<>();
		q.get("topics").forEach(t -> out.add(t.asText()));
		return out;
	}

	private static ConfigResource resource(JsonNode q) {
		return new ConfigResource(ConfigResource.Type.TOPIC, topic(q));
	}

	// Topics

	private void create(JsonNode q, ObjectNode a) throws Exception {
		Map<String, String> configs = new HashMap<>();
		q.get("configs").fields().forEachRemaining(f -> configs.put(f.getKey(), f.getValue().asText()));
		NewTopic made = new NewTopic(topic(q), q.get("partitions").asInt(), (short) 1);
		admin.createTopics(List.of(made.configs(configs))).all().get();
	}

	private void createMany(JsonNode q, ObjectNode a) throws Exception {
		List<NewTopic> made = new ArrayList<>();
		for (String name : topics(q))
			made.add(new NewTopic(name, q.get("partitions").asInt(), (short) 1));
		admin.createTopics(made).all().get();
	}

	private void delete(JsonNode q, ObjectNode a) throws Exception {
		admin.deleteTopics(List.of(topic(q))).all().get();
	}

	private void deleteMany(JsonNode q, ObjectNode a) throws Exception {
		admin.deleteTopics(topics(q)).all().get();
	}

	private void list(JsonNode q, ObjectNode a) throws Exception {
		ArrayNode out = a.putArray("topics");
		admin.listTopics().names().get().forEach(out::add);
	}

	private void describe(JsonNode q, ObjectNode a) throws Exception {
		ArrayNode out = a.putArray("partitions");
		admin.describeTopics(List.of(topic(q))).allTopicNames().get().get(topic(q)).partitions().forEach(p -> {
			ObjectNode part = out.addObject().put("partition", p.partition());
			part.put("leader", p.leader() == null ? -1 : p.leader().id());
			ArrayNode replicas = part.putArray("replicas"), isr = part.putArray("isr");
			p.replicas().forEach(n -> replicas.add(n.id()));
			p.isr().forEach(n -> isr.add(n.id()));
		});
	}

	private void configs(JsonNode q, ObjectNode a) throws Exception {
		ObjectNode out = a.putObject("configs");
		admin.describeConfigs(List.of(resource(q))).all().get().get(resource(q)).entries()
			.forEach(e -> out.put(e.name(), e.value()));
	}

	private void alter(JsonNode q, ObjectNode a) throws Exception {
		List<AlterConfigOp> ops = new ArrayList<>();
		q.get("configs").fields().forEachRemaining(f -> ops.add(new AlterConfigOp(
			new ConfigEntry(f.getKey(), f.getValue().asText()), AlterConfigOp.OpType.SET)));
		admin.incrementalAlterConfigs(Map.of(resource(q), ops)).all().get();
	}

	private void grow(JsonNode q, ObjectNode a) throws Exception {
		admin.createPartitions(Map.of(topic(q),
			NewPartitions.increaseTo(q.get("partitions").asInt()))).all().get();
	}

	// Records

	private void waitForAll() throws Exception {
		List<Future<RecordMetadata>> all = sent;
		sent = new ArrayList<>();
		for (Future<RecordMetadata> one : all)
			one.get();
	}

	private void produce(JsonNode q, ObjectNode a) throws Exception {
		String codec = q.path("codec").asText("none");
		KafkaProducer<byte[], byte[]> out = producers.computeIfAbsent(codec, c -> producer(c, 16384));
		for (JsonNode r : q.get("records")) {
			Long time = r.get("time").isNull() ? null : r.get("time").asLong();
			ProducerRecord<byte[], byte[]> made = new ProducerRecord<>(topic(q),
				q.get("partition").asInt(), time, raw(r.get("key")), raw(r.get("value")));
			for (JsonNode h : r.get("headers"))
				made.headers().add(h.get(0).asText(), raw(h.get(1)));
			sent.add(out.send(made));
		}
		out.flush();
		waitForAll();
	}

	private List<ConsumerRecord<byte[], byte[]>> take(TopicPartition at, long offset, int count) {
		List<ConsumerRecord<byte[], byte[]>> out = new ArrayList<>();
		consumer.assign(List.of(at));
		consumer.seek(at, offset);
		long end = System.currentTimeMillis() + WAIT_MS;
		while (out.size() < count && System.currentTimeMillis() < end)
			consumer.poll(Duration.ofMillis(200)).forEach(out::add);
		return out.size() > count ? out.subList(0, count) : out;
	}

	private void consume(JsonNode q, ObjectNode a) {
		ArrayNode out = a.putArray("records");
		for (ConsumerRecord<byte[], byte[]> r : take(partition(q), q.get("offset").asLong(), q.get("count").asInt())) {
			ObjectNode row = out.addObject().put("offset", r.offset()).put("time", r.timestamp());
			row.put("key", base(r.key())).put("value", base(r.value()));
			ArrayNode headers = row.putArray("headers");
			for (Header h : r.headers())
				headers.addArray().add(h.key()).add(base(h.value()));
		}
	}

	private void consumeNumbers(JsonNode q, ObjectNode a) {
		ArrayNode out = a.putArray("numbers");
		take(partition(q), 0, q.get("count").asInt())
			.forEach(r -> out.add(Integer.parseInt(new String(r.value(), StandardCharsets.US_ASCII))));
	}

	/* Kafka's producer is idempotent unless told otherwise. */
	private void open(JsonNode q, ObjectNode a) {
		target = partition(q);
		stream = producer("none", 1000);
	}

	private void send(JsonNode q, ObjectNode a) {
		int first = q.get("first").asInt(), count = q.get("count").asInt();
		for (int n = first; n < first + count; n++)
			sent.add(stream.send(new ProducerRecord<>(target.topic(), target.partition(), null,
				Integer.toString(n).getBytes(StandardCharsets.US_ASCII))));
	}

	private void flush(JsonNode q, ObjectNode a) throws Exception {
		stream.flush();
		waitForAll();
	}

	// Positions

	private void watermarks(JsonNode q, ObjectNode a) {
		TopicPartition at = partition(q);
		a.putArray("offsets").add(consumer.beginningOffsets(List.of(at)).get(at))
			.add(consumer.endOffsets(List.of(at)).get(at));
	}

	private void offsetFor(JsonNode q, ObjectNode a) {
		TopicPartition at = partition(q);
		Optional.ofNullable(consumer.offsetsForTimes(Map.of(at, q.get("time").asLong())).get(at))
			.ifPresentOrElse(o -> a.put("offset", o.offset()), () -> a.putNull("offset"));
	}

	private void deleteRecords(JsonNode q, ObjectNode a) throws Exception {
		admin.deleteRecords(Map.of(partition(q),
			RecordsToDelete.beforeOffset(q.get("offset").asLong()))).all().get();
	}

	private Map<String, Call> calls() {
		Map<String, Call> out = new HashMap<>();
		out.put("create", this::create);
		out.put("create_many", this::createMany);
		out.put("delete", this::delete);
		out.put("delete_many", this::deleteMany);
		out.put("list", this::list);
		out.put("describe", this::describe);
		out.put("configs", this::configs);
		out.put("alter", this::alter);
		out.put("grow", this::grow);
		out.put("produce", this::produce);
		out.put("consume", this::consume);
		out.put("consume_numbers", this::consumeNumbers);
		out.put("open", this::open);
		out.put("send", this::send);
		out.put("flush", this::flush);
		out.put("watermarks", this::watermarks);
		out.put("offset_for", this::offsetFor);
		out.put("delete_records", this::deleteRecords);
		groups.addCalls(out);
		return out;
	}

	public static void main(String[] args) throws Exception {
		Map<String, Call> calls = new Driver(args[0]).calls();
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String line = in.readLine(); line != null; line = in.readLine()) {
			JsonNode question = JSON.readTree(line);
			ObjectNode answer = JSON.createObjectNode();
			try {
				calls.get(question.get("do").asText()).on(question, answer);
			} catch (Exception e) {
				Throwable why = e instanceof ExecutionException ? e.getCause() : e;
				answer = JSON.createObjectNode().put("error", why.toString());
				answer.put("code", Errors.forException(why).code());
			}
			System.out.println(JSON.writeValueAsString(answer));
		}
		System.exit(0);
	}
}
