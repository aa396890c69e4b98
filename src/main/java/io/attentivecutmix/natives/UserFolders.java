package io.attentivecutmix.natives;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Where this user's caches go. */
public final class UserFolders {
    private static final String NAME = "attentive-cutmix";

    private UserFolders() {}

    /**
     * The library's folder where an operating system's users expect a cache; it is not created here. Empty for a user
     * without a home: Java then calls it "?", and a folder of that name would be made wherever the process stands.
     */
    public static Optional<Path> cache() {
        return cache(System.getProperty("os.name", ""), System.getenv(), System.getProperty("user.home", ""));
    }

    /** As {@link #cache()}, for another system, environment and home. */
    public static Optional<Path> cache(String osName, Map<String, String> environment, String home) {
        String os = osName.toLowerCase(Locale.ROOT);
        if (os.startsWith("windows")) {
            return absolute(environment.getOrDefault("LOCALAPPDATA", ""))
                    .or(() -> absolute(home).map(h -> h.resolve("AppData").resolve("Local"))).map(b -> b.resolve(NAME));
        }
        if (os.startsWith("mac")) {
            return absolute(home).map(h -> h.resolve("Library").resolve("Caches").resolve(NAME));
        }
        // a relative one is to be ignored, says the XDG base directory specification
        return absolute(environment.getOrDefault("XDG_CACHE_HOME", ""))
                .or(() -> absolute(home).map(h -> h.resolve(".cache"))).map(b -> b.resolve(NAME));
    }

    private static Optional<Path> absolute(String name) {
        try {
            return Optional.of(Path.of(name)).filter(Path::isAbsolute);
        } catch (InvalidPathException e) {
            return Optional.empty(); // bytes that this locale cannot say
        }
    }
}
