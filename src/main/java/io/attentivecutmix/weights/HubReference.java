package io.attentivecutmix.weights;

import java.net.URI;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model of a hub: {@code hub:owner/model} or {@code hub:owner/model@revision}. Its parts become parts of a URL and of
 * a path, so only plain names are allowed.
 */
record HubReference(String owner, String model, String revision) {
    static final String PREFIX = "hub:";
    private static final int LONGEST_FOLDER = 128;
    // no dot at either end: a first one hides a folder, and Windows drops a last one
    private static final String NAME = "[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?";
    private static final Pattern FORM = Pattern.compile("hub:(" + NAME + ")/(" + NAME + ")(?:@(" + NAME + "))?");

    static HubReference parse(String text) {
        Matcher m = FORM.matcher(text);
        if (!m.matches() || text.contains("..")) {
            throw new WeightsException(text, "reference", "is no reference; allowed: hub:OWNER/MODEL or "
                    + "hub:OWNER/MODEL@REVISION, each of up to 96 letters, digits, '.', '_' and '-'");
        }
        return new HubReference(m.group(1), m.group(2), m.group(3) == null ? "main" : m.group(3));
    }

    /** Where the file is: the layout that Hugging Face's hub has. */
    URI file(URI base) {
        String root = base.toString();
        return URI.create(root + (root.endsWith("/") ? "" : "/") + owner + "/" + model + "/resolve/" + revision
                + "/model.safetensors");
    }

    /** The model's own folder in a cache: hubs, owners, models and revisions are kept apart. */
    Path folder(Path cache, URI base) {
        String path = base.getPath() == null ? "" : base.getPath().replaceAll("/+$", "");
        String hub = (base.getHost() + (base.getPort() < 0 ? "" : "_" + base.getPort()) + path)
                .replaceAll("[^A-Za-z0-9.-]", "_");
        return cache.resolve(hub.substring(0, Math.min(hub.length(), LONGEST_FOLDER)))
                .resolve(owner).resolve(model).resolve(revision);
    }

    @Override
    public String toString() {
        return PREFIX + owner + "/" + model + (revision.equals("main") ? "" : "@" + revision);
    }
}
