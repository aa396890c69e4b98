package io.attentivecutmix.cli;

import io.attentivecutmix.Fingerprint;
import picocli.CommandLine.IVersionProvider;

/** This program's version. */
final class Version implements IVersionProvider {
    static final String TEXT = Fingerprint.libraryVersion();

    @Override
    public String[] getVersion() {
        return new String[] {"attentive-cutmix " + TEXT};
    }
}
