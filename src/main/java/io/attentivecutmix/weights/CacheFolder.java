package io.attentivecutmix.weights;

import io.attentivecutmix.natives.UserFolders;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;

/** The library's folder where an operating system's users expect a cache; it is not created here. */
public final class CacheFolder {
    /** A name that nobody can foresee, since everybody may write to the folder for temporary files. */
    private static final String WITHOUT_HOME = "attentive-cutmix-" + UUID.randomUUID();

    private CacheFolder() {}

    /** This user's. A user without a home folder gets one among the temporary files, another in each run. */
    public static Path standard() {
        return UserFolders.cache().orElseGet(() -> Path.of(System.getProperty("java.io.tmpdir"), WITHOUT_HOME));
    }

    static Path of(String osName, Map<String, String> environment, Path home) {
        return UserFolders.cache(osName, environment, home.toString())
                .orElseThrow(() -> new IllegalArgumentException("home is " + home + "; allowed: an absolute path"));
    }
}
