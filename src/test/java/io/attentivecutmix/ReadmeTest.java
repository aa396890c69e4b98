package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README shows must be true. */
class ReadmeTest {
    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    private static String readme() throws IOException {
        return Files.readString(Path.of("README.md"));
    }

    @Test
    void everyJavaExampleCompiles(@TempDir Path out) throws IOException {
        Matcher m = JAVA.matcher(readme());
        int examples = 0;
        while (m.find()) {
            compile("Example" + ++examples, m.group(1), out);
        }
        assertTrue(examples >= 1, "the README has no Java example");
    }

    /** What an example may use without saying where it comes from. */
    private static final String GIVEN = """
            import io.attentivecutmix.*;
            import io.attentivecutmix.image.*;
            import io.attentivecutmix.method.*;
            """;
    private static final String FIELDS = """
                static AttentiveCutMix mixer;
                static Labels labels;
                static long inAddress, outAddress, rowsAddress, stream;
            """;

    /** Imports stay at the top; the rest becomes the body of a method. */
    private static void compile(String name, String snippet, Path out) {
        StringBuilder imports = new StringBuilder();
        StringBuilder body = new StringBuilder();
        for (String line : snippet.split("\n")) {
            (line.startsWith("import ") ? imports : body).append(line).append('\n');
        }
        String source = GIVEN + imports + "class " + name + " {\n" + FIELDS
                + "    static void run() throws Exception {\n" + body + "    }\n}\n";
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        assertNotNull(compiler, "tests need a JDK");
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        JavaFileObject file = new SimpleJavaFileObject(URI.create("string:///" + name + ".java"),
                JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return source;
            }
        };
        boolean compiled = compiler.getTask(null, null, diagnostics,
                List.of("-proc:none", "-d", out.toString(), "-cp", System.getProperty("java.class.path")), null,
                List.of(file)).call();
        List<String> errors = diagnostics.getDiagnostics().stream().filter(d -> d.getKind() == Diagnostic.Kind.ERROR)
                .map(Object::toString).toList();
        assertTrue(compiled, errors + "\n" + source);
    }

    @Test
    void versionIsThePoms() throws IOException {
        Matcher m = Pattern.compile("<artifactId>attentive-cutmix</artifactId>\\s*<version>([^<]+)</version>").matcher(
                readme());
        assertTrue(m.find(), "the README shows no dependency");
        assertEquals(System.getProperty("project.version"), m.group(1));
    }

    @Test
    void dependencyVersionsAreThePoms() throws IOException {
        String pom = Files.readString(Path.of("pom.xml"));
        Matcher cuda = Pattern.compile("<cuda.version>([^<]+)<").matcher(pom);
        assertTrue(cuda.find());
        assertTrue(readme().contains("org.bytedeco:cuda:" + cuda.group(1) + "`"),
                "the README names another version of CUDA's preset");
        assertTrue(Files.readString(Path.of("src/main/java/io/attentivecutmix/cuda/InstalledGpu.java"))
                .contains("\"org.bytedeco:cuda:" + cuda.group(1) + "\""),
                "a message names another version of CUDA's preset");
        for (String library : List.of("javacpp", "dnnl", "opencl")) {
            Matcher wanted = Pattern.compile("<" + library + ".version>([^<]+)<").matcher(pom);
            assertTrue(wanted.find());
            Matcher shown = Pattern.compile("<artifactId>" + library
                    + "</artifactId>\\s*<version>([^<]+)<").matcher(readme());
            assertTrue(shown.find(), "the README does not show " + library);
            assertEquals(wanted.group(1), shown.group(1), library);
        }
    }

    @Test
    void filesNamedExist() throws IOException {
        Matcher m = Pattern.compile("\\]\\(([^)#:]+)\\)").matcher(readme());
        while (m.find()) {
            assertTrue(Files.exists(Path.of(m.group(1))), "the README links to " + m.group(1));
        }
    }
}
