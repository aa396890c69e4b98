package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

import io.attentivecutmix.cuda.Address;
import io.attentivecutmix.cuda.Kernels;
import io.attentivecutmix.image.ElementType;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** Binds plans and kernels to addresses: steps that only launch. */
final class Launches {
    private final CudnnSession session;
    private final Kernels kernels;
    private final ElementType type;

    Launches(CudnnSession session, Kernels kernels, ElementType type) {
        this.session = session;
        this.kernels = kernels;
        this.type = type;
    }

    /**
     * Adds the steps of a plan.
     *
     * @param scope owns the variant pack; the steps are void once it is closed
     * @param workspace of the plan's size at least; 0 is possible where it needs none
     */
    void add(List<Step> steps, DescriptorScope scope, Plan plan, Operands operands, long workspace) {
        ConvolutionShape shape = plan.shape();
        Form form = plan.choice().form();
        long[] tensors = ConvolutionGraph.tensors(shape, form);
        Pointer pack = scope.create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, "variant pack of " + shape)
                .longs(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, tensors)
                .addresses(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, Arrays.stream(tensors).map(operands::of).toArray())
                .addresses(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace)
                .finish().handle();
        Pointer handle = plan.handle();
        steps.add(stream -> session.execute(handle, pack));
        if (form == Form.UNFUSED) {
            Pointer y = new Address(operands.y());
            Pointer residual = shape.residual() ? new Address(operands.residual()) : null;
            FloatPointer bias = new FloatPointer(new Address(operands.floatBias()));
            long rows = shape.outputRows();
            steps.add(stream ->
                    kernels.biasResidualRelu(y, bias, residual, y, type, rows, shape.out(), shape.relu(), stream));
        }
    }

    /** Adds the max-pool of n square maps. */
    void addPool(List<Step> steps, long x, long y, int n, int side, int channels) {
        Pointer from = new Address(x);
        Pointer to = new Address(y);
        steps.add(stream -> kernels.maxPool(from, to, type, n, side, side, channels, stream));
    }
}
