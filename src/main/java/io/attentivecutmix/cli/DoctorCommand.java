package io.attentivecutmix.cli;

import io.attentivecutmix.Device;
import io.attentivecutmix.environment.Check;
import io.attentivecutmix.environment.SystemChecks;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.ImageException;
import io.attentivecutmix.weights.CacheFolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Looks at everything that a run needs, and says what to do about what is missing. */
@Command(name = "doctor", mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false,
        description = "Checks everything that a run needs of this machine: Java, system, folders, native libraries, "
                + "GPU, decoders. Says of each what was found and, if need be, what to do.",
        footer = {"", "Fails if something is missing that the device needs."})
final class DoctorCommand implements Callable<Integer> {
    /** 8×8 pixels of grey 77. */
    private static final byte[] JPEG = Base64.getDecoder().decode(
            "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP////////////////////////////////////////////////////////"
            + "//////////////////////////////wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAv/EABQQAQAAAAAA"
            + "AAAAAAAAAAAAAAD/2gAIAQEAAD8AL//Z");

    private final Console console;

    @Option(names = "--device", paramLabel = "NAME",
            description = "What must be there: best (default), cpu, cuda or cuda:N. Others are looked at too, but not "
                    + "missed.")
    private String device = "best";

    @Option(names = "--json", description = "As one JSON object.")
    private boolean json;

    DoctorCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        Device needed;
        try {
            needed = Device.parse(device);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--" + e.getMessage(), e);
        }
        // system first: it is asked before anything is loaded, so that a crash of a library finds it printed
        List<Check> checks = new ArrayList<>();
        report(checks, SystemChecks.run());
        report(checks, cache());
        for (Device other : devices(needed)) {
            report(checks, other.checks().stream().map(c -> other.equals(needed) ? c : c.asNote()).toList());
        }
        report(checks, decoders());
        long missing = checks.stream().filter(c -> c.state() == Check.State.MISSING).count();
        if (json) {
            console.out().print(Json.pretty(g -> {
                g.writeStringProperty("device", needed.name());
                g.writeBooleanProperty("usable", missing == 0 && needed.available());
                g.writeArrayPropertyStart("checks");
                for (Check check : checks) {
                    g.writeStartObject();
                    g.writeStringProperty("topic", check.topic());
                    g.writeStringProperty("state", check.state().name().toLowerCase(Locale.ROOT));
                    g.writeStringProperty("found", check.found());
                    g.writeStringProperty("remedy", check.remedy());
                    g.writeEndObject();
                }
                g.writeEndArray();
            }));
            console.out().flush();
        } else {
            console.line("");
            console.line(missing == 0 && needed.available() ? "%s can be used" : "%s cannot be used", needed.name());
        }
        return missing == 0 && needed.available() ? console.written() : ExitStatus.FAILED;
    }

    private void report(List<Check> all, List<Check> more) {
        all.addAll(more);
        if (!json) {
            more.forEach(this::show);
        }
    }

    private void show(Check check) {
        String[] found = check.found().split("\n");
        console.line("%-8s%-17s%s", check.state().name().toLowerCase(Locale.ROOT), check.topic(), found[0]);
        for (int i = 1; i < found.length; i++) {
            console.line("%-25s%s", "", found[i]);
        }
        if (!check.remedy().isEmpty()) {
            for (String line : check.remedy().split("\n")) {
                console.line("%-25s→ %s", "", line);
            }
        }
    }

    /** The processor and a GPU, the one that is needed last. */
    private static List<Device> devices(Device needed) {
        Device other = needed.equals(Device.cpu()) ? Device.cuda(0) : Device.cpu();
        return List.of(other, needed);
    }

    private static List<Check> cache() {
        Path folder = CacheFolder.standard();
        Path existing = folder;
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        return List.of(existing != null && Files.isDirectory(existing) && Files.isWritable(existing)
                ? Check.ok("weights cache", folder + (existing.equals(folder) ? "" : ", not made yet"))
                : Check.note("weights cache", folder + " cannot be written to", "hub: weights need it; name another"
                        + " with XDG_CACHE_HOME=DIR, or give --weights a file"));
    }

    private static List<Check> decoders() {
        List<Check> all = new ArrayList<>();
        ImageDecoder decoder = ImageDecoder.best();
        try {
            decoder.decode(JPEG, "a JPEG image of 8 by 8 pixels");
            all.add(Check.ok("decoders", decoder.description()));
        } catch (ImageException | LinkageError | IllegalStateException e) {
            all.add(Check.missing("decoders", e.toString(), "use a Java runtime with the module java.desktop and its"
                    + " native libraries"));
        }
        all.add(ImageDecoder.openCvUnavailableReason().map(r -> Check.note("OpenCV", r, "Java's own JPEG decoder is"
                + " used, which is slower")).orElseGet(() -> Check.ok("OpenCV", "used")));
        return all;
    }
}
