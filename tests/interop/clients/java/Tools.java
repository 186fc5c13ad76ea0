import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Kafka's command-line tools, one after the other in one JVM.
 *
 * Tools FOLDER <SCRIPT: a line is NAME, INPUT, CLASS and arguments, with tabs between; INPUT is a file or -. What
 * the tool prints goes to FOLDER/NAME, its exit status after it.
 */
public class Tools {
	private static class Ended extends RuntimeException {
		private static final long serialVersionUID = 1;
	}

	/* A tool may take the exception for an error of its own, and exit once more: the first status counts. */
	private static int status;

	private static int run(String tool, String[] args) {
		status = -1;
		try {
			Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) args);
			return Math.max(status, 0);
		} catch (InvocationTargetException e) {
			if (status >= 0)
				return status;
			e.getCause().printStackTrace();
			return 1;
		} catch (ReflectiveOperationException e) {
			e.printStackTrace();
			return 127;
		}
	}

	public static void main(String[] args) throws Exception {
		List<String> script = Arrays.asList(new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\n"));
		Exit.setExitProcedure((code, message) -> {
			if (status < 0)
				status = code;
			throw new Ended();
		});
		for (String line : script) {
			String[] words = line.split("\t");
			InputStream in = words[1].equals("-") ? new ByteArrayInputStream(new byte[0])
				: new FileInputStream(words[1]);
			try (PrintStream out = new PrintStream(Files.newOutputStream(Path.of(args[0], words[0])), true)) {
				System.setIn(in);
				System.setOut(out);
				System.setErr(out);
				long start = System.nanoTime();
				out.println("exit status " + run(words[2], Arrays.copyOfRange(words, 3, words.length)));
				out.println("after " + (System.nanoTime() - start) / 1000000 + " ms");
			}
		}
		Runtime.getRuntime().halt(0); // whatever threads a tool has left
	}
}
