package io.attentivecutmix.weights;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/** The library's folder where an operating system's users expect a cache; it is not created here. */
public final class CacheFolder {
    private CacheFolder() {}

    /** This user's. */
    public static Path standard() {
        return of(System.getProperty("os.name"), System.getenv(), Path.of(System.getProperty("user.home")));
    }

    static Path of(String osName, Map<String, String> environment, Path home) {
        String os = osName.toLowerCase(Locale.ROOT);
        String local = environment.getOrDefault("LOCALAPPDATA", "");
        String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base;
        if (os.startsWith("windows")) {
            base = local.isEmpty() ? home.resolve("AppData").resolve("Local") : Path.of(local);
        } else if (os.startsWith("mac")) {
            base = home.resolve("Library").resolve("Caches");
        } else {
            // a relative one is to be ignored, says the XDG base directory specification
            base = !xdg.isEmpty() && Path.of(xdg).isAbsolute() ? Path.of(xdg) : home.resolve(".cache");
        }
        return base.resolve("attentive-cutmix");
    }
}
