package io.attentivecutmix.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.attentivecutmix.Device;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;

/**
 * The same work with what Java offers today: ImageIO, Graphics2D, ONNX Runtime in batches, features to the heap, a sort
 * and copies. Written as a good programmer would at first: decoding and preparing on all threads, a reused input
 * buffer, the session at its best settings.
 */
final class TodaysPipeline implements Contestant {
    private static final int SIDE = 224;
    private static final int GRID = 7;
    private static final int K = 6;

    private final List<byte[]> files;
    private final OrtSession session;
    private final FloatBuffer input;
    private final ForkJoinPool pool;
    private final BufferedImage[] images;
    private final BufferedImage[] mixed;
    private final double[] sourceWeight;
    private final int[][] cells;

    TodaysPipeline(int batch, int threads) {
        files = OurPipeline.files(batch);
        images = new BufferedImage[batch];
        mixed = new BufferedImage[batch];
        sourceWeight = new double[batch];
        cells = new int[batch][];
        pool = new ForkJoinPool(threads);
        input = ByteBuffer.allocateDirect(4 * 3 * batch * SIDE * SIDE).order(ByteOrder.nativeOrder()).asFloatBuffer();
        try {
            Weights weights = Samples.weights();
            session = OnnxRuntimeNet.session(OnnxModel.of(weights.network(), weights), threads);
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
        run();
        check(batch, threads);
    }

    /** Another filter resizes the network's input, so a cell or two may differ, but not most of them. */
    private void check(int batch, int threads) {
        int shared = 0;
        try (OurPipeline ours = new OurPipeline(Device.cpu(), Precision.FP32, batch, threads)) {
            for (int i = 0; i < batch; i++) {
                List<Integer> expected = IntStream.of(ours.cells(i)).boxed().toList();
                shared += (int) IntStream.of(cells[i]).filter(expected::contains).count();
            }
        }
        Samples.require(shared >= 4 * batch, "only " + shared + " of " + K * batch + " cells are ours");
    }

    @Override
    public void run() {
        onAllThreads(this::load);
        try (OnnxTensor tensor = OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), input,
                new long[] {files.size(), 3, SIDE, SIDE});
                OrtSession.Result result = session.run(Map.of("x", tensor))) {
            float[][][][] features = (float[][][][]) result.get(0).getValue();
            onAllThreads(i -> cells[i] = hottest(features[i]));
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
        onAllThreads(this::mix);
    }

    private void onAllThreads(java.util.function.IntConsumer task) {
        pool.submit(() -> IntStream.range(0, files.size()).parallel().forEach(task)).join();
    }

    private void load(int i) {
        BufferedImage decoded;
        try {
            decoded = javax.imageio.ImageIO.read(new ByteArrayInputStream(files.get(i)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        images[i] = decoded;
        BufferedImage small = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D g = small.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        g.drawImage(decoded, 0, 0, SIDE, SIDE, null);
        g.dispose();
        byte[] bgr = ((DataBufferByte) small.getRaster().getDataBuffer()).getData();
        float[] values = new float[3 * SIDE * SIDE];
        for (int c = 0; c < 3; c++) {
            float mean = Normalisation.IMAGENET.mean().get(c);
            float std = Normalisation.IMAGENET.std().get(c);
            for (int p = 0; p < SIDE * SIDE; p++) {
                values[c * SIDE * SIDE + p] = ((bgr[3 * p + 2 - c] & 0xff) / 255f - mean) / std;
            }
        }
        input.put(i * values.length, values);
    }

    private static int[] hottest(float[][][] features) {
        double[] heat = new double[GRID * GRID];
        for (float[][] channel : features) {
            for (int y = 0; y < GRID; y++) {
                for (int x = 0; x < GRID; x++) {
                    heat[y * GRID + x] += channel[y][x];
                }
            }
        }
        return IntStream.range(0, heat.length).boxed().sorted(Comparator.comparingDouble(c -> -heat[c])).limit(K)
                .mapToInt(Integer::intValue).toArray();
    }

    private void mix(int i) {
        BufferedImage source = images[i];
        BufferedImage background = images[(i + 1) % images.length];
        int width = background.getWidth();
        int height = background.getHeight();
        BufferedImage result = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
        Graphics2D g = result.createGraphics();
        g.drawImage(background, 0, 0, null);
        long taken = 0;
        for (int cell : cells[i]) {
            int left = cell % GRID * width / GRID;
            int right = (cell % GRID + 1) * width / GRID;
            int top = cell / GRID * height / GRID;
            int bottom = (cell / GRID + 1) * height / GRID;
            g.drawImage(source, left, top, right, bottom, left, top, right, bottom, null);
            taken += (long) (right - left) * (bottom - top);
        }
        g.dispose();
        mixed[i] = result;
        sourceWeight[i] = (double) taken / ((long) width * height);
    }

    @Override
    public void close() {
        pool.shutdown();
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
