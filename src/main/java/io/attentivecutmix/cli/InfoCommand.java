package io.attentivecutmix.cli;

import io.attentivecutmix.Device;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.natives.NativeLibraries;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Says what this machine can do, and why it cannot do the rest. */
@Command(name = "info", mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false,
        description = "Shows devices, precisions, decoders and versions, with the reason where something cannot be "
                + "used.")
final class InfoCommand implements Callable<Integer> {
    private final Console console;

    @Option(names = "--json", description = "As one JSON object.")
    private boolean json;

    InfoCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        Map<String, String> system = new LinkedHashMap<>();
        system.put("version", Version.TEXT);
        system.put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
        system.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch"));
        system.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
        system.put("heap", Runtime.getRuntime().maxMemory() / (1 << 20) + " MiB at most");
        system.put("decoder", ImageDecoder.best().description());
        Optional<String> openCv = ImageDecoder.openCvUnavailableReason();
        system.put("opencv", openCv.orElse("used"));
        List<Device> devices = Device.all();
        devices.forEach(Device::available); // loads their libraries
        system.put("native folder", NativeLibraries.folder().map(Object::toString).orElse("none"));
        if (json) {
            console.out().print(Json.pretty(g -> {
                system.forEach(g::writeStringProperty);
                g.writeStringProperty("best", Device.best().name());
                g.writeArrayPropertyStart("devices");
                for (Device device : devices) {
                    g.writeStartObject();
                    g.writeStringProperty("name", device.name());
                    g.writeBooleanProperty("available", device.available());
                    Json.string(g, "reason", device.unavailableReason().orElse(null));
                    Json.strings(g, "precisions", device.precisions().stream().map(Enum::name).sorted().toList());
                    Json.map(g, "details", device.details());
                    g.writeEndObject();
                }
                g.writeEndArray();
            }));
            console.out().flush();
            return console.written();
        }
        system.forEach((key, value) -> console.line("%-14s%s", key, value));
        for (Device device : devices) {
            console.line("");
            if (device.available()) {
                console.line("%-14savailable; precisions %s, default %s", device.name(),
                        device.precisions().stream().map(Enum::name).sorted().toList(),
                        device.defaultPrecision(MixOptions.paper()));
                device.details().forEach((key, value) -> console.line("  %-16s%s", key, value));
            } else {
                console.line("%-14snot available: %s", device.name(), device.unavailableReason().orElse(""));
            }
        }
        return console.written();
    }
}
