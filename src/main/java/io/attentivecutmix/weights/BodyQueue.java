package io.attentivecutmix.weights;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The body of a response, piece by piece, with a limit on how long a piece may take: the HTTP client's own timeouts end
 * with the headers, and a server that then falls silent would hold its stream for ever.
 */
final class BodyQueue implements BodySubscriber<BodyQueue>, AutoCloseable {
    private static final Object END = new Object();

    private final BlockingQueue<Object> queue = new LinkedBlockingQueue<>();
    private volatile Flow.Subscription subscription;
    private volatile boolean closed;

    @Override
    public CompletionStage<BodyQueue> getBody() {
        return CompletableFuture.completedStage(this);
    }

    @Override
    public void onSubscribe(Flow.Subscription s) {
        subscription = s;
        if (closed) {
            s.cancel(); // the response was handed out, and closed, before its body began
        } else {
            s.request(1);
        }
    }

    @Override
    public void onNext(List<ByteBuffer> piece) {
        queue.add(piece);
    }

    @Override
    public void onError(Throwable e) {
        queue.add(e);
    }

    @Override
    public void onComplete() {
        queue.add(END);
    }

    /**
     * The next piece; empty at the end.
     *
     * @throws IOException if the connection broke, or nothing came for so long
     */
    @SuppressWarnings("unchecked")
    List<ByteBuffer> next(Duration patience) throws IOException, InterruptedException {
        Object item = queue.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
        if (item == null) {
            throw new IOException("nothing came for " + seconds(patience));
        }
        if (item == END) {
            queue.add(END);
            return List.of();
        }
        if (item instanceof Throwable e) {
            throw new IOException("the connection broke: " + e.getMessage(), e);
        }
        subscription.request(1);
        return (List<ByteBuffer>) item;
    }

    static String seconds(Duration time) {
        long millis = time.toMillis();
        return (millis % 1000 == 0 ? Long.toString(millis / 1000) : Double.toString(millis / 1000.0)) + " s";
    }

    /** Ends the transfer if it has not ended. */
    @Override
    public void close() {
        closed = true;
        Flow.Subscription s = subscription;
        if (s != null) {
            s.cancel();
        }
    }
}
