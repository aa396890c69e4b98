package io.attentivecutmix.weights;

import io.attentivecutmix.weights.PickleReader.Dict;
import io.attentivecutmix.weights.PickleReader.Storage;
import io.attentivecutmix.weights.PickleReader.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the tensors of a {@code torch.save} archive: a zip of a pickle stream ({@code data.pkl}) and one raw entry per
 * storage.
 *
 * <p>Tensors that share a storage share its bytes; only one whose strides are not contiguous is copied. What is held
 * stays within 1.5 times the file's size, and beyond that one storage while it is copied. A storage's entry must have
 * exactly the size its element count says, a tensor must lie inside its storage and may not repeat elements, and an
 * entry that nothing refers to is refused: all of these were ways to make other readers read what is not there.
 * Storages that are not asked for have only their CRC verified.
 */
final class TorchReader implements TensorFile {
    private static final int MAX_PICKLE = 16 << 20;
    private static final int MAX_TENSORS = 16_384;
    private static final int MAX_VISITED = 100_000;
    private static final int MAX_NAME = 1024;
    private static final String DATA = "data/";

    private final String file;
    /** When it was opened; it may become shorter. */
    private final long fileSize;
    private final ZipDirectory zip;
    private final Map<String, View> views = new LinkedHashMap<>();
    private boolean bigEndian;

    /**
     * A tensor whose place in its storage is verified.
     *
     * @param offset of its first element
     * @param stride from one element to the next in every dimension, in elements; 0 for a dimension of one
     * @param contiguous whether its elements lie one after the other
     */
    private record View(Storage storage, long offset, int[] shape, long[] stride, int elements, boolean contiguous) {
        private long bytes() {
            return (long) elements * storage.type().bytes();
        }
    }

    /**
     * Reads and verifies everything but the storages: every tensor that is reached through dicts with string keys, the
     * keys joined with dots, in the stream's order. Everything else in the stream (epochs, hyper-parameters, …) is
     * passed over.
     *
     * @param channel read by position; its own position stays; needed open until the data is loaded
     * @param file name in messages
     */
    TorchReader(FileChannel channel, String file) throws IOException {
        this.file = file;
        fileSize = channel.size();
        Containers.requireZip(channel, file);
        zip = new ZipDirectory(channel, file);
        checkEntries();
        PickleReader.Content content = PickleReader.read(zip.read("data.pkl", MAX_PICKLE), file);
        expect(content.value() instanceof Dict, "data.pkl", "holds no dict, so no state dict; save with"
                + " torch.save(model.state_dict(), file)");
        checkStorages(content.storages());
        flatten((Dict) content.value()).forEach((name, tensor) -> views.put(name, view(name, tensor)));
    }

    /** All tensors of an archive. */
    static Map<String, RawTensor> read(FileChannel channel, String file) throws IOException {
        return new TorchReader(channel, file).loadAll();
    }

    @Override
    public Map<String, Info> tensors() {
        Map<String, Info> tensors = new LinkedHashMap<>();
        views.forEach((name, view) -> tensors.put(name, new Info(view.storage.type(), view.shape)));
        return tensors;
    }

    @Override
    public Map<String, RawTensor> load(Set<String> names) throws IOException {
        Map<String, View> wanted = new LinkedHashMap<>(views);
        wanted.keySet().retainAll(names);
        Slab slab = new Slab(memoryFor(wanted));
        Map<String, ByteBuffer> storages = readViewed(wanted, slab);
        Map<String, ByteBuffer> rearranged = rearrange(wanted, storages, slab);
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        wanted.forEach((name, view) -> {
            DType type = view.storage.type();
            ByteBuffer storage = storages.get(view.storage.key());
            ByteBuffer data = view.contiguous
                    ? storage.slice((int) view.offset * type.bytes(), (int) view.bytes()) : rearranged.get(name);
            tensors.put(name, new RawTensor(type, view.shape, data.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN)));
        });
        return tensors;
    }

    /** Bytes of the storages that tensors are views of, and of rearranged copies. */
    private long memoryFor(Map<String, View> wanted) {
        long most = fileSize + fileSize / 2;
        long bytes = 0;
        Set<String> counted = new HashSet<>();
        for (Map.Entry<String, View> e : wanted.entrySet()) {
            View view = e.getValue();
            if (view.bytes() > Integer.MAX_VALUE - 8) {
                throw fault(e.getKey(), "has " + view.bytes() + " bytes; allowed: below 2 GiB");
            }
            if (!view.contiguous) {
                bytes += view.bytes();
            } else if (counted.add(view.storage.key())) {
                bytes += zip.size(entry(view.storage));
            }
            if (bytes > most) {
                throw fault(e.getKey(), "and others rearrange so much of one storage that they take " + bytes
                        + " bytes; allowed: 1.5 times the file's size");
            }
        }
        return bytes;
    }

    private Map<String, ByteBuffer> readViewed(Map<String, View> wanted, Slab slab) throws IOException {
        Map<String, ByteBuffer> storages = new HashMap<>();
        for (View view : wanted.values()) {
            String key = view.storage.key();
            if (view.contiguous && !storages.containsKey(key)) {
                storages.put(key, read(view.storage, slab));
            }
        }
        return storages;
    }

    /**
     * Copies of what is not contiguous, storage by storage, so that no more than one storage is held beside its copies.
     */
    private Map<String, ByteBuffer> rearrange(Map<String, View> wanted, Map<String, ByteBuffer> storages, Slab slab)
            throws IOException {
        Map<String, List<String>> byStorage = new LinkedHashMap<>();
        wanted.forEach((name, view) -> {
            if (!view.contiguous) {
                byStorage.computeIfAbsent(view.storage.key(), key -> new ArrayList<>()).add(name);
            }
        });
        Map<String, ByteBuffer> copies = new HashMap<>();
        for (String name : zip.names()) {
            if (!name.startsWith(DATA)) {
                continue;
            }
            String key = name.substring(DATA.length());
            List<String> users = byStorage.get(key);
            if (users != null) {
                ByteBuffer source = storages.get(key);
                if (source == null) {
                    source = read(wanted.get(users.get(0)).storage, new Slab(zip.size(name)));
                }
                for (String user : users) {
                    copies.put(user, gather(source, wanted.get(user), slab));
                }
            } else if (!storages.containsKey(key)) {
                zip.check(name);
            }
        }
        return copies;
    }

    /** A storage's bytes, little-endian whatever the machine that saved them. */
    private ByteBuffer read(Storage storage, Slab slab) throws IOException {
        ByteBuffer data = zip.read(entry(storage), slab);
        if (bigEndian) {
            for (int i = 0; i < data.limit(); i += storage.type().bytes()) {
                switch (storage.type().bytes()) {
                    case 2 -> data.putShort(i, Short.reverseBytes(data.getShort(i)));
                    case 4 -> data.putInt(i, Integer.reverseBytes(data.getInt(i)));
                    case 8 -> data.putLong(i, Long.reverseBytes(data.getLong(i)));
                    default -> { }
                }
            }
        }
        return data;
    }

    private static String entry(Storage storage) {
        return DATA + storage.key();
    }

    private void checkEntries() throws IOException {
        Set<String> names = zip.names();
        expect(names.contains("data.pkl") && names.contains("version"), "archive",
                "has no data.pkl and version, so it is no archive"
                + " of torch.save");
        for (String name : names) {
            boolean known = name.equals("data.pkl") || name.equals("version") || name.equals("byteorder")
                    || name.equals(".data/serialization_id") || name.equals(".format_version")
                    || name.equals(".storage_alignment")
                    || name.startsWith(DATA) && isStorageKey(name.substring(DATA.length()));
            expect(known, name, "is no entry that torch.save writes");
        }
        if (names.contains("byteorder")) {
            String order = StandardCharsets.ISO_8859_1.decode(zip.read("byteorder", 16)).toString();
            expect(order.equals("little") || order.equals("big"), "byteorder", "is " + order
                    + "; allowed: little, big");
            bigEndian = order.equals("big");
        }
    }

    /** A number; torch 1.6 and 1.7 took the storage's address, later ones count from 0. */
    static boolean isStorageKey(String key) {
        return key.length() <= 20 && !key.isEmpty() && key.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    /** @param prefix length of what stands before the names of a dict's entries */
    private record Level(int prefix, Iterator<Map.Entry<Object, Object>> rest) {}

    /**
     * Depth first without recursion: what is open is as deep as a name is long, however often dicts are shared. The
     * count ends what dicts that hold others many times over would make of it.
     */
    private Map<String, Tensor> flatten(Dict root) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Deque<Level> open = new ArrayDeque<>(List.of(new Level(0, root.map.entrySet().iterator())));
        StringBuilder name = new StringBuilder();
        int visited = 0;
        while (!open.isEmpty()) {
            Level level = open.element();
            if (!level.rest.hasNext()) {
                open.remove();
                continue;
            }
            Map.Entry<Object, Object> e = level.rest.next();
            expect(++visited <= MAX_VISITED, "data.pkl", "has dicts of more than " + MAX_VISITED + " entries in all");
            boolean nested = e.getValue() instanceof Dict;
            if (!(e.getKey() instanceof String key) || !nested && !(e.getValue() instanceof Tensor)) {
                continue;
            }
            name.setLength(level.prefix);
            name.append(key, 0, Math.min(key.length(), MAX_NAME + 1));
            if (name.length() > MAX_NAME) {
                throw fault(name.toString(), "is longer than " + MAX_NAME + " characters");
            }
            if (e.getValue() instanceof Dict dict) {
                open.push(new Level(name.append('.').length(), dict.map.entrySet().iterator()));
            } else {
                add(tensors, name.toString(), (Tensor) e.getValue());
            }
        }
        return tensors;
    }

    private void add(Map<String, Tensor> tensors, String name, Tensor tensor) {
        expect(tensors.size() < MAX_TENSORS, "data.pkl", "has more than " + MAX_TENSORS + " tensors");
        expect(tensors.putIfAbsent(name, tensor) == null, name, "is there twice");
    }

    /** Every entry of data/ must be a storage that the stream refers to, by one type and size. */
    private void checkStorages(Set<Storage> storages) {
        Set<String> referred = new HashSet<>();
        for (Storage storage : storages) {
            String entry = entry(storage);
            String where = "storage " + storage.key();
            expect(referred.add(entry), where, "is referred to with two types or sizes");
            if (!zip.names().contains(entry)) {
                throw fault(where, "has no entry " + entry);
            }
            long bytes = storage.elements() <= Long.MAX_VALUE / 8 ? storage.elements() * storage.type().bytes() : -1;
            if (bytes != zip.size(entry)) {
                throw fault(where, "has " + storage.elements() + " elements of " + storage.type()
                        + ", but its entry has " + zip.size(entry) + " bytes");
            }
        }
        for (String name : zip.names()) {
            expect(!name.startsWith(DATA) || referred.contains(name), name, "is referred to by nothing");
        }
    }

    private View view(String name, Tensor t) {
        Storage storage = t.storage();
        int rank = t.size().size();
        if (t.stride().size() != rank) {
            throw fault(name, "has " + rank + " sizes and " + t.stride().size() + " strides");
        }
        int[] shape = new int[rank];
        long[] stride = new long[rank];
        long elements = 1;
        long last = t.offset();
        boolean contiguous = true;
        boolean empty = t.size().contains(0L);
        if (t.offset() > storage.elements()) {
            throw fault(name, "starts at element " + t.offset() + " of a storage of " + storage.elements());
        }
        for (int d = rank - 1; d >= 0; d--) {
            long size = t.size().get(d);
            // no element is used twice: whatever has more of them than its storage lies
            if (size > Integer.MAX_VALUE || size != 0 && elements > Integer.MAX_VALUE / size) {
                throw fault(name, "has the sizes " + t.size() + "; allowed: up to 2^31−1 elements");
            }
            long step = t.stride().get(d);
            contiguous &= size == 1 || step == elements;
            elements *= size;
            if (size > 1 && !empty) {
                if (step > storage.elements()) {
                    throw fault(name, "has a stride of " + step + " in a storage of " + storage.elements());
                }
                last += (size - 1) * step;
                requireInside(last, storage, name);
                stride[d] = step;
            }
            shape[d] = (int) size;
        }
        if (!empty) {
            requireInside(last, storage, name);
        }
        if (elements > storage.elements()) {
            throw fault(name, "has " + elements + " elements, more than its storage: it repeats some");
        }
        // an empty tensor needs nothing of its storage
        return new View(storage, t.offset(), shape, stride, (int) elements, contiguous && !empty);
    }

    private void requireInside(long last, Storage storage, String name) {
        if (last >= storage.elements()) {
            throw fault(name, "reaches element " + last + " of a storage of " + storage.elements());
        }
    }

    /** The elements in row-major order, as one that was saved in channels_last needs. */
    private static ByteBuffer gather(ByteBuffer from, View view, Slab slab) {
        ByteBuffer to = slab.take((int) view.bytes());
        int width = view.storage.type().bytes();
        int[] index = new int[view.shape.length];
        int at = (int) view.offset;
        for (int i = 0; i < view.elements; i++) {
            to.put(i * width, from, at * width, width);
            for (int d = index.length - 1; d >= 0; d--) {
                at += (int) view.stride[d];
                if (++index[d] < view.shape[d]) {
                    break;
                }
                at -= (int) (index[d] * view.stride[d]);
                index[d] = 0;
            }
        }
        return to;
    }

    private void expect(boolean condition, String where, String fault) {
        if (!condition) {
            throw fault(where, fault);
        }
    }

    private WeightsException fault(String where, String fault) {
        return new WeightsException(file, where, fault);
    }
}
