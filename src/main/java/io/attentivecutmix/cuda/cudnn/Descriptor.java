package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

import java.nio.ByteBuffer;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * Owns one descriptor of cuDNN's graph API. Setters return this; every failure is thrown as {@link CudnnSession} says.
 */
final class Descriptor implements AutoCloseable {
    private final CudnnSession session;
    private final String name;
    private Pointer handle;

    /** Makes one; {@link DescriptorScope#create} is what others call. */
    Descriptor(CudnnSession session, int type, String name) {
        this.session = session;
        this.name = name;
        this.handle = session.create(type);
    }

    /** cuDNN's handle; void after {@link #close}. */
    Pointer handle() {
        if (handle == null) {
            throw new IllegalStateException("descriptor " + name + " is closed");
        }
        return handle;
    }

    Descriptor longs(int attribute, long... values) {
        return longs(CUDNN_TYPE_INT64, attribute, values);
    }

    /** Device addresses. */
    Descriptor addresses(int attribute, long... values) {
        return longs(CUDNN_TYPE_VOID_PTR, attribute, values);
    }

    Descriptor descriptors(int attribute, List<Descriptor> values) {
        return longs(CUDNN_TYPE_BACKEND_DESCRIPTOR, attribute,
                values.stream().mapToLong(d -> d.handle().address()).toArray());
    }

    Descriptor descriptor(int attribute, Descriptor value) {
        return longs(CUDNN_TYPE_BACKEND_DESCRIPTOR, attribute, value.handle().address());
    }

    Descriptor handle(int attribute, Pointer value) {
        return longs(CUDNN_TYPE_HANDLE, attribute, value.address());
    }

    private Descriptor longs(int type, int attribute, long... values) {
        put(values);
        return set(attribute, type, values.length);
    }

    /** Sets a value that cuDNN may refuse; the status. */
    int tryLongs(int attribute, long... values) {
        put(values);
        return trySet(attribute, CUDNN_TYPE_INT64, values.length);
    }

    private void put(long... values) {
        ByteBuffer room = session.scratch().view();
        for (int i = 0; i < values.length; i++) {
            room.putLong(8 * i, values[i]);
        }
    }

    /** A value of one of cuDNN's enums. */
    Descriptor constant(int attribute, int type, int value) {
        session.scratch().view().putInt(0, value);
        return set(attribute, type, 1);
    }

    /** Sets a value that cuDNN may refuse; the status. */
    int tryConstant(int attribute, int type, int value) {
        session.scratch().view().putInt(0, value);
        return trySet(attribute, type, 1);
    }

    Descriptor single(int attribute, float value) {
        session.scratch().view().putFloat(0, value);
        return set(attribute, CUDNN_TYPE_FLOAT, 1);
    }

    Descriptor truth(int attribute, boolean value) {
        session.scratch().view().put(0, (byte) (value ? 1 : 0));
        return set(attribute, CUDNN_TYPE_BOOLEAN, 1);
    }

    Descriptor characters(int attribute, byte[] value) {
        session.scratch().view().put(0, value);
        return set(attribute, CUDNN_TYPE_CHAR, value.length);
    }

    private Descriptor set(int attribute, int type, long count) {
        int status = trySet(attribute, type, count);
        if (status != CudnnStatus.SUCCESS) {
            throw session.failure(status, "cudnnBackendSetAttribute of " + name + ", attribute " + attribute);
        }
        return this;
    }

    private int trySet(int attribute, int type, long count) {
        return session.cudnn().setAttribute(handle(), attribute, type, count, session.scratch().pointer());
    }

    /** Ends the description. */
    Descriptor finish() {
        int status = tryFinish();
        if (status != CudnnStatus.SUCCESS) {
            throw session.failure(status, "cudnnBackendFinalize of " + name);
        }
        return this;
    }

    /** Ends the description where cuDNN may answer that it has nothing for it; the status. */
    int tryFinish() {
        return session.cudnn().finalizeDescriptor(handle());
    }

    long number(int attribute) {
        requireOne(session.get(handle(), attribute, CUDNN_TYPE_INT64, 1), attribute);
        return session.scratch().view().getLong(0);
    }

    int constant(int attribute, int type) {
        requireOne(session.get(handle(), attribute, type, 1), attribute);
        return session.scratch().view().getInt(0);
    }

    /** A set of an enum's values, one bit for each. */
    int constants(int attribute, int type, int capacity) {
        int count = Math.min(capacity, session.get(handle(), attribute, type, capacity));
        int bits = 0;
        for (int i = 0; i < count; i++) {
            bits |= 1 << session.scratch().view().getInt(4 * i);
        }
        return bits;
    }

    /** How many descriptors an attribute has. */
    int count(int attribute) {
        return session.get(handle(), attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0);
    }

    /** Fills descriptors from an attribute; how many were filled. */
    int read(int attribute, List<Descriptor> into) {
        ByteBuffer room = session.scratch().view();
        for (int i = 0; i < into.size(); i++) {
            room.putLong(8 * i, into.get(i).handle().address());
        }
        return Math.min(into.size(), session.get(handle(), attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, into.size()));
    }

    private void requireOne(int count, int attribute) {
        if (count < 1) {
            throw new IllegalStateException("cuDNN has no value for attribute " + attribute + " of " + name);
        }
    }

    @Override
    public void close() {
        Pointer old = handle;
        handle = null;
        if (old != null && !session.lost()) {
            session.check(session.cudnn().destroyDescriptor(old), "cudnnBackendDestroyDescriptor of " + name);
        }
    }
}
