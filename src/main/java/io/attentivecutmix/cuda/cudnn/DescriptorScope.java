package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.Closing;
import java.util.ArrayList;
import java.util.List;

/** Owns descriptors, and what goes with them, and closes all in reverse order, once, whatever fails on the way. */
final class DescriptorScope implements AutoCloseable {
    private final CudnnSession session;
    private final List<AutoCloseable> owned = new ArrayList<>();

    DescriptorScope(CudnnSession session) {
        this.session = session;
    }

    CudnnSession session() {
        return session;
    }

    Descriptor create(int type, String name) {
        Descriptor d = new Descriptor(session, type, name);
        owned.add(d);
        return d;
    }

    /** Takes over something else. */
    <C extends AutoCloseable> C own(C closeable) {
        owned.add(closeable);
        return closeable;
    }

    List<Descriptor> create(int type, String name, int count) {
        List<Descriptor> all = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            all.add(create(type, name));
        }
        return all;
    }

    @Override
    public void close() {
        Closing.reversed(owned);
    }
}
