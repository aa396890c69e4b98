package io.attentivecutmix;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/**
 * The default file system with a counter of operations, one of which fails, and a ledger of open channels. What closes
 * or deletes does so before it fails, as the system does. Paths of it lead to paths of it; {@link Path#toFile} leads
 * out.
 */
public final class FaultyFiles {
    private final Provider provider = new Provider();
    private final Files files = new Files();
    private int calls;
    private int failAt;
    private String failed = "";
    private int open;
    private int mostPerRead = Integer.MAX_VALUE;
    private String interrupted = "";
    private Action action = () -> { };

    /** A path of the default file system, seen through this one. */
    public Path path(Path real) {
        return wrap(real);
    }

    /** From now on the n-th operation fails, from 1; 0: none. */
    public void failAt(int n) {
        calls = 0;
        failAt = n;
        failed = "";
    }

    /** Something that another process does. */
    public interface Action {
        void run() throws IOException;
    }

    /** Runs an action once, before the next operation of this name. */
    public void before(String operation, Action action) {
        interrupted = operation;
        this.action = action;
    }

    /** Bytes that one read gives at most, as a network file system may. */
    public void mostPerRead(int bytes) {
        mostPerRead = bytes;
    }

    /** The operation that failed, empty if there were fewer. */
    public String failed() {
        return failed;
    }

    /** Operations since {@link #failAt}. */
    public int calls() {
        return calls;
    }

    /** Channels that were opened and not closed. */
    public int open() {
        return open;
    }

    private boolean fails(String call) {
        boolean now = ++calls == failAt;
        if (now) {
            failed = call;
        }
        return now;
    }

    private void call(String name) throws IOException {
        if (name.equals(interrupted)) {
            interrupted = "";
            action.run();
        }
        if (fails(name)) {
            throw fault(name);
        }
    }

    private static IOException fault(String name) {
        return new IOException("injected into " + name);
    }

    private interface Wrapped {
        Path real();
    }

    private static Path real(Path path) {
        return path instanceof Wrapped w ? w.real() : path;
    }

    private Path wrap(Path real) {
        return (Path) Proxy.newProxyInstance(FaultyFiles.class.getClassLoader(),
                new Class<?>[] {Path.class, Wrapped.class}, (proxy, method, arguments) -> {
            switch (method.getName()) {
                case "real" -> {
                    return real;
                }
                case "getFileSystem" -> {
                    return files;
                }
                default -> { }
            }
            Object[] inner = arguments == null ? new Object[0] : arguments.clone();
            for (int i = 0; i < inner.length; i++) {
                inner[i] = inner[i] instanceof Path p ? real(p) : inner[i];
            }
            try {
                Object result = method.invoke(real, inner);
                return result instanceof Path p ? wrap(p) : result;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private final class Channel extends FileChannel {
        private final FileChannel real;

        Channel(FileChannel real) {
            this.real = real;
            open++;
        }

        private static ByteBuffer part(ByteBuffer whole, int most) {
            return whole.slice(whole.position(), Math.min(whole.remaining(), most));
        }

        @Override
        public int read(ByteBuffer to) throws IOException {
            call("read");
            int n = real.read(part(to, mostPerRead));
            to.position(to.position() + Math.max(0, n));
            return n;
        }

        @Override
        public int read(ByteBuffer to, long position) throws IOException {
            call("read");
            int n = real.read(part(to, mostPerRead), position);
            to.position(to.position() + Math.max(0, n));
            return n;
        }

        @Override
        public long read(ByteBuffer[] to, int offset, int length) throws IOException {
            call("read");
            return real.read(to, offset, length);
        }

        /** A disk that becomes full takes some bytes first. */
        @Override
        public int write(ByteBuffer from) throws IOException {
            if (fails("write")) {
                real.write(part(from, from.remaining() / 2));
                throw fault("write");
            }
            return real.write(from);
        }

        @Override
        public int write(ByteBuffer from, long position) throws IOException {
            call("write");
            return real.write(from, position);
        }

        @Override
        public long write(ByteBuffer[] from, int offset, int length) throws IOException {
            call("write");
            return real.write(from, offset, length);
        }

        @Override
        public long position() throws IOException {
            return real.position();
        }

        @Override
        public FileChannel position(long position) throws IOException {
            real.position(position);
            return this;
        }

        @Override
        public long size() throws IOException {
            call("size");
            return real.size();
        }

        @Override
        public FileChannel truncate(long size) throws IOException {
            call("truncate");
            real.truncate(size);
            return this;
        }

        @Override
        public void force(boolean metaData) throws IOException {
            call("force");
            real.force(metaData);
        }

        @Override
        public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
            call("transferTo");
            return real.transferTo(position, count, target);
        }

        @Override
        public long transferFrom(ReadableByteChannel source, long position, long count) throws IOException {
            call("transferFrom");
            return real.transferFrom(source, position, count);
        }

        @Override
        public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
            call("map");
            return real.map(mode, position, size);
        }

        @Override
        public FileLock lock(long position, long size, boolean shared) throws IOException {
            call("lock");
            return real.lock(position, size, shared);
        }

        @Override
        public FileLock tryLock(long position, long size, boolean shared) throws IOException {
            call("lock");
            return real.tryLock(position, size, shared);
        }

        @Override
        protected void implCloseChannel() throws IOException {
            open--;
            real.close();
            call("close");
        }
    }

    private final class Provider extends FileSystemProvider {
        private final FileSystemProvider real = FileSystems.getDefault().provider();

        @Override
        public String getScheme() {
            return "faulty";
        }

        @Override
        public FileSystem newFileSystem(URI uri, Map<String, ?> environment) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileSystem getFileSystem(URI uri) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Path getPath(URI uri) {
            throw new UnsupportedOperationException();
        }

        @Override
        public SeekableByteChannel newByteChannel(Path path, Set<? extends OpenOption> options,
                FileAttribute<?>... attributes) throws IOException {
            return newFileChannel(path, options, attributes);
        }

        @Override
        public FileChannel newFileChannel(Path path, Set<? extends OpenOption> options,
                FileAttribute<?>... attributes) throws IOException {
            call("open");
            return new Channel(real.newFileChannel(real(path), options, attributes));
        }

        @Override
        public DirectoryStream<Path> newDirectoryStream(Path folder, DirectoryStream.Filter<? super Path> filter)
                throws IOException {
            call("list");
            DirectoryStream<Path> stream = real.newDirectoryStream(real(folder), p -> filter.accept(wrap(p)));
            open++;
            return new DirectoryStream<>() {
                @Override
                public Iterator<Path> iterator() {
                    Iterator<Path> inner = stream.iterator();
                    return new Iterator<>() {
                        @Override
                        public boolean hasNext() {
                            return inner.hasNext();
                        }

                        @Override
                        public Path next() {
                            return wrap(inner.next());
                        }
                    };
                }

                @Override
                public void close() throws IOException {
                    open--;
                    stream.close();
                }
            };
        }

        @Override
        public void createDirectory(Path folder, FileAttribute<?>... attributes) throws IOException {
            call("createDirectory");
            real.createDirectory(real(folder), attributes);
        }

        @Override
        public void delete(Path path) throws IOException {
            real.delete(real(path));
            call("delete");
        }

        @Override
        public void copy(Path from, Path to, CopyOption... options) throws IOException {
            call("copy");
            real.copy(real(from), real(to), options);
        }

        @Override
        public void move(Path from, Path to, CopyOption... options) throws IOException {
            call("move");
            real.move(real(from), real(to), options);
        }

        @Override
        public boolean isSameFile(Path one, Path other) throws IOException {
            return real.isSameFile(real(one), real(other));
        }

        @Override
        public boolean isHidden(Path path) throws IOException {
            return real.isHidden(real(path));
        }

        @Override
        public FileStore getFileStore(Path path) throws IOException {
            return real.getFileStore(real(path));
        }

        @Override
        public void checkAccess(Path path, AccessMode... modes) throws IOException {
            call("checkAccess");
            real.checkAccess(real(path), modes);
        }

        @Override
        public <V extends FileAttributeView> V getFileAttributeView(Path path, Class<V> type, LinkOption... options) {
            return real.getFileAttributeView(real(path), type, options);
        }

        @Override
        public <A extends BasicFileAttributes> A readAttributes(Path path, Class<A> type, LinkOption... options)
                throws IOException {
            call("readAttributes");
            return real.readAttributes(real(path), type, options);
        }

        @Override
        public Map<String, Object> readAttributes(Path path, String names, LinkOption... options) throws IOException {
            call("readAttributes");
            return real.readAttributes(real(path), names, options);
        }

        @Override
        public void setAttribute(Path path, String name, Object value, LinkOption... options) throws IOException {
            call("setAttribute");
            real.setAttribute(real(path), name, value, options);
        }
    }

    private final class Files extends FileSystem {
        private final FileSystem real = FileSystems.getDefault();

        @Override
        public FileSystemProvider provider() {
            return provider;
        }

        @Override
        public void close() {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public boolean isReadOnly() {
            return false;
        }

        @Override
        public String getSeparator() {
            return real.getSeparator();
        }

        @Override
        public Iterable<Path> getRootDirectories() {
            return real.getRootDirectories();
        }

        @Override
        public Iterable<FileStore> getFileStores() {
            return real.getFileStores();
        }

        @Override
        public Set<String> supportedFileAttributeViews() {
            return real.supportedFileAttributeViews();
        }

        @Override
        public Path getPath(String first, String... more) {
            return wrap(real.getPath(first, more));
        }

        @Override
        public PathMatcher getPathMatcher(String pattern) {
            PathMatcher inner = real.getPathMatcher(pattern);
            return path -> inner.matches(real(path));
        }

        @Override
        public UserPrincipalLookupService getUserPrincipalLookupService() {
            return real.getUserPrincipalLookupService();
        }

        @Override
        public WatchService newWatchService() {
            throw new UnsupportedOperationException();
        }
    }
}
