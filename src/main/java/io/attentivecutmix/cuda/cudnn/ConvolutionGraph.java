package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

import io.attentivecutmix.image.ElementType;
import java.util.ArrayList;
import java.util.List;

/**
 * Says a convolution and what follows it as an operation graph. Tensors are NHWC with explicit strides, weights KRSC;
 * what lies between operations is virtual and float, and all arithmetic is float, so that the output is rounded once.
 *
 * <p>The bias has the type of the tensors, not float: on cuDNN 9.26 only engines that compile at run time take a float
 * bias beside 16-bit tensors, and the same goes for the bias before the residual.
 */
final class ConvolutionGraph {
    /** Names of the tensors that a variant pack gives addresses for. */
    static final long X = 1;
    static final long W = 2;
    static final long BIAS = 3;
    static final long RESIDUAL = 4;
    static final long Y = 5;

    /** Name of the first tensor that has no address. */
    private static final long VIRTUAL = 10;

    /** Every tensor begins at a multiple of this many bytes at least; engines with 16-byte loads need to know. */
    static final int ALIGNMENT = 16;

    private final DescriptorScope scope;
    private final ConvolutionShape shape;
    private final ElementType type;
    private final Form form;
    private final List<Descriptor> operations = new ArrayList<>();
    private final long[] outputSize;
    private int left;
    private long virtual = VIRTUAL;

    private ConvolutionGraph(DescriptorScope scope, ConvolutionShape shape, ElementType type, Form form) {
        this.scope = scope;
        this.shape = shape;
        this.type = type;
        this.form = form;
        int side = shape.outputSide();
        outputSize = new long[] {shape.n(), shape.out(), side, side};
    }

    /** The finalised operation graph; its descriptors belong to the scope. */
    static Descriptor build(DescriptorScope scope, ConvolutionShape shape, ElementType type, Form form) {
        return new ConvolutionGraph(scope, shape, type, form).build();
    }

    /** The tensors that a variant pack of this graph has, in this order. */
    static long[] tensors(ConvolutionShape shape, Form form) {
        if (form == Form.UNFUSED) {
            return new long[] {X, W, Y};
        }
        return shape.residual() ? new long[] {X, W, BIAS, RESIDUAL, Y} : new long[] {X, W, BIAS, Y};
    }

    static int dataType(ElementType type) {
        return switch (type) {
            case FLOAT32 -> CUDNN_DATA_FLOAT;
            case FLOAT16 -> CUDNN_DATA_HALF;
            case BFLOAT16 -> CUDNN_DATA_BFLOAT16;
            case UINT8 -> throw new IllegalArgumentException("convolutions of UINT8 are not supported");
        };
    }

    private Descriptor build() {
        boolean fused = form != Form.UNFUSED;
        left = fused ? 1 + (shape.residual() ? 1 : 0) + (shape.relu() ? 1 : 0) : 0;
        Descriptor x = tensor(X, shape.n(), shape.in(), shape.side(), shape.side());
        Descriptor w = tensor(W, shape.out(), shape.in(), shape.kernel(), shape.kernel());
        Descriptor last = convolution(x, w);
        if (fused) {
            if (shape.residual() && form == Form.RESIDUAL_FIRST) {
                last = pointwise(CUDNN_POINTWISE_ADD, last, tensor(RESIDUAL, outputSize));
            }
            last = pointwise(CUDNN_POINTWISE_ADD, last, tensor(BIAS, 1, shape.out(), 1, 1));
            if (shape.residual() && form == Form.BIAS_FIRST) {
                last = pointwise(CUDNN_POINTWISE_ADD, last, tensor(RESIDUAL, outputSize));
            }
            if (shape.relu()) {
                pointwise(CUDNN_POINTWISE_RELU_FWD, last, null);
            }
        }
        Descriptor graph = scope.create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR, "operation graph of " + shape);
        graph.descriptors(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations);
        scope.session().handle().ifPresent(h -> graph.handle(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, h));
        return graph.finish();
    }

    /** The next operation's output: Y for the last one, a virtual tensor before. */
    private Descriptor output() {
        return left-- == 0 ? tensor(Y, outputSize) : tensor(virtual++, true, CUDNN_DATA_FLOAT, outputSize);
    }

    private Descriptor tensor(long name, long... size) {
        return tensor(name, false, dataType(type), size);
    }

    /** @param size N, C, H, W; lies in memory as N, H, W, C */
    private Descriptor tensor(long name, boolean isVirtual, int dataType, long... size) {
        long c = size[1];
        long h = size[2];
        long w = size[3];
        return scope.create(CUDNN_BACKEND_TENSOR_DESCRIPTOR, "tensor " + name + " of " + shape)
                .constant(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, dataType)
                .longs(CUDNN_ATTR_TENSOR_DIMENSIONS, size)
                .longs(CUDNN_ATTR_TENSOR_STRIDES, h * w * c, 1, w * c, c)
                .longs(CUDNN_ATTR_TENSOR_UNIQUE_ID, name)
                .longs(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, ALIGNMENT)
                .truth(CUDNN_ATTR_TENSOR_IS_VIRTUAL, isVirtual)
                .finish();
    }

    private Descriptor convolution(Descriptor x, Descriptor w) {
        Descriptor geometry = scope.create(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, "convolution " + shape)
                .constant(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
                .constant(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION)
                .longs(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2)
                .longs(CUDNN_ATTR_CONVOLUTION_DILATIONS, 1, 1)
                .longs(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, shape.stride(), shape.stride())
                .longs(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, shape.padding(), shape.padding())
                .longs(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, shape.padding(), shape.padding())
                .finish();
        Descriptor y = output();
        operations.add(scope.create(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, "operation " + shape)
                .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, geometry)
                .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x)
                .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w)
                .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y)
                .single(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1)
                .single(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0)
                .finish());
        return y;
    }

    /** @param operand the second input; null for a function of one */
    private Descriptor pointwise(int mode, Descriptor x, Descriptor operand) {
        Descriptor function = scope.create(CUDNN_BACKEND_POINTWISE_DESCRIPTOR, "pointwise function " + mode)
                .constant(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode)
                .constant(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
        if (mode == CUDNN_POINTWISE_RELU_FWD) {
            // a NaN should stay one; cuDNN calls the attribute deprecated and may refuse it one day
            int status = function.tryConstant(
                    CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, CUDNN_PROPAGATE_NAN);
            CudnnStatus.Kind kind = CudnnStatus.kind(status);
            if (kind != CudnnStatus.Kind.NOT_SUPPORTED && kind != CudnnStatus.Kind.INTERNAL) {
                scope.session().check(status, "cudnnBackendSetAttribute of a ReLU");
            }
        }
        function.finish();
        Descriptor y = output();
        Descriptor operation = scope.create(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, "pointwise operation " + mode)
                .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, function)
                .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x)
                .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
        if (operand != null) {
            operation.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, operand);
        }
        operations.add(operation.finish());
        return y;
    }
}
