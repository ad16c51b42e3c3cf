// A ggml backend without a device: it lets the engine's own scheduler and allocator size the buffers of CUDA cards on a
// machine that has none. Sizes as ggml/src/ggml-cuda of the pinned llama.cpp build gives them: alignment 128, rows of
// quantised tensors padded to 512 values, f16 copies of a quantised cache beside flash attention's result
// (ggml_cuda_flash_attn_ext_get_alloc_size), experts kept until they are summed (ggml_cuda_match_moe_weighted_reduction).
// It computes nothing.
//
//   S=<llama.cpp source>/ggml B=<folder of the built programs>
//   g++ -shared -fPIC -O1 -std=c++17 -I$S/include -I$S/src stand_in_card.cpp -L$B -l:libggml.so -l:libggml-base.so \
//       -Wl,-rpath,$B -o stand_in_card.so
//   STAND_IN_CARDS=2 LD_PRELOAD=./stand_in_card.so $B/llama-fit-params --fit-print on --no-repack -ngl 999 -ts 1,1 -m FILE
#include "ggml-backend-impl.h"
#include "ggml-impl.h"
#include "ggml.h"
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
static int n_dev() { const char * e = getenv("STAND_IN_CARDS"); return e ? atoi(e) : 1; }
struct dev_ctx { int id; std::string name; };
static const char * buft_name(ggml_backend_buffer_type_t b) { return ((dev_ctx*)b->context)->name.c_str(); }
static void buf_free(ggml_backend_buffer_t b) { free(b->context); }
static void * buf_base(ggml_backend_buffer_t b) { return b->context ? b->context : (void*)128; }
static void buf_memset(ggml_backend_buffer_t, ggml_tensor * t, uint8_t v, size_t o, size_t s) { memset((char*)t->data + o, v, s); }
static void buf_set(ggml_backend_buffer_t, ggml_tensor * t, const void * d, size_t o, size_t s) { memcpy((char*)t->data + o, d, s); }
static void buf_get(ggml_backend_buffer_t, const ggml_tensor * t, void * d, size_t o, size_t s) { memcpy(d, (const char*)t->data + o, s); }
static void buf_clear(ggml_backend_buffer_t, uint8_t) { }
static ggml_backend_buffer_i buf_i = { buf_free, buf_base, nullptr, buf_memset, buf_set, buf_get, nullptr, nullptr, nullptr, buf_clear, nullptr };
static ggml_backend_buffer_t alloc_buffer(ggml_backend_buffer_type_t t, size_t size) {
    void * p = nullptr; if (size && posix_memalign(&p, 128, size)) return nullptr;
    return ggml_backend_buffer_init(t, buf_i, p, size);
}
static size_t get_alignment(ggml_backend_buffer_type_t) { return 128; }
static size_t get_alloc_size(ggml_backend_buffer_type_t, const ggml_tensor * t) {
    size_t size = ggml_nbytes(t);
    if (t->op == GGML_OP_FLASH_ATTN_EXT) {
        const ggml_tensor * Q = t->src[0]; const ggml_tensor * K = t->src[1]; const ggml_tensor * V = t->src[2];
        const bool vec = Q->ne[0] <= 256 && Q->ne[1] <= 2;
        const bool same = V->view_src && (V->view_src == K || (V->view_src == K->view_src && V->view_offs == K->view_offs));
        if (!vec && K->type != GGML_TYPE_F16) { size = GGML_PAD(size, 128); size += ggml_nelements(K)*2; }
        if (!vec && V->type != GGML_TYPE_F16 && !same) { size = GGML_PAD(size, 128); size += ggml_nelements(V)*2; }
    }
    if (ggml_is_quantized(t->type) && t->ne[0] % 512) size += ggml_row_size(t->type, 512 - t->ne[0] % 512);
    return size;
}
static bool is_host(ggml_backend_buffer_type_t) { return false; }
static ggml_backend_device * DEV[16];
static ggml_backend_buffer_type BUFT[16];
static ggml_backend_reg REG;
static const char * be_name(ggml_backend_t b) { return ((dev_ctx*)b->context)->name.c_str(); }
static void be_free(ggml_backend_t b) { delete b; }
static void be_sync(ggml_backend_t) {}
static ggml_status be_compute(ggml_backend_t, ggml_cgraph *) { return GGML_STATUS_SUCCESS; }
static void ev_rec(ggml_backend_t, ggml_backend_event_t) {}
static void optimize(ggml_backend_t, ggml_cgraph * g, ggml_backend_graph_optimize_params * p) {
    for (int i = 0; i < g->n_nodes; ++i) {
        ggml_tensor * m = g->nodes[i];
        if (m->op != GGML_OP_MUL || m->type != GGML_TYPE_F32 || m->ne[1] < 2) continue;
        ggml_tensor * e = m->src[0], * w = m->src[1];
        if (!w || !ggml_is_contiguous(e) || !ggml_are_same_shape(e, m) || w->ne[0] != 1 || w->ne[1] != m->ne[1] || w->ne[2] != m->ne[2] || !ggml_is_contiguous(w)) continue;
        int used = m->ne[1], count = 2*used; if (used > 16 || i + count > g->n_nodes) continue;
        bool ok = true;
        for (int k = 1; k <= used && ok; ++k) ok = g->nodes[i+k]->op == GGML_OP_VIEW && g->nodes[i+k]->view_src == m;
        for (int k = used + 1; k < count && ok; ++k) ok = g->nodes[i+k]->op == GGML_OP_ADD;
        if (!ok) continue;
        p->add_alloc_dep(p->user_data, e, g->nodes[i+count-1]);
        p->add_alloc_dep(p->user_data, w, g->nodes[i+count-1]);
    }
}
static ggml_backend_i be_i = { be_name, be_free, nullptr, nullptr, nullptr, nullptr, nullptr, be_sync, nullptr, nullptr, nullptr, nullptr, be_compute, ev_rec, ev_rec, optimize };
static const char * d_name(ggml_backend_dev_t d) { return ((dev_ctx*)d->context)->name.c_str(); }
static void d_mem(ggml_backend_dev_t, size_t * f, size_t * t) { *f = *t = (size_t)24564*1024*1024; }
static enum ggml_backend_dev_type d_type(ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_GPU; }
static void d_props(ggml_backend_dev_t d, ggml_backend_dev_props * p) {
    memset(p, 0, sizeof *p); p->name = d_name(d); p->description = "stand-in"; p->type = GGML_BACKEND_DEVICE_TYPE_GPU; d_mem(d, &p->memory_free, &p->memory_total);
    p->caps.async = true; p->caps.events = true; p->caps.host_buffer = false;
}
static ggml_guid GUID = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16};
static ggml_backend_t d_init(ggml_backend_dev_t d, const char *) { return new ggml_backend{ &GUID, be_i, d, d->context }; }
static ggml_backend_buffer_type_t d_buft(ggml_backend_dev_t d) { return &BUFT[((dev_ctx*)d->context)->id]; }
static bool d_sup(ggml_backend_dev_t, const ggml_tensor *) { return true; }
static bool d_supb(ggml_backend_dev_t d, ggml_backend_buffer_type_t b) { return b == d_buft(d); }
static int64_t batch(const ggml_tensor * op) { switch (op->op) { case GGML_OP_GET_ROWS: return 0; case GGML_OP_MUL_MAT: return op->ne[1]; case GGML_OP_MUL_MAT_ID: case GGML_OP_ROPE: case GGML_OP_ROPE_BACK: return op->ne[2]; default: return ggml_nrows(op); } }
static bool d_off(ggml_backend_dev_t, const ggml_tensor * op) { return batch(op) >= 32; }
static ggml_backend_event_t ev_new(ggml_backend_dev_t d) { return new ggml_backend_event{ d, nullptr }; }
static void ev_free(ggml_backend_dev_t, ggml_backend_event_t e) { delete e; }
static void ev_sync(ggml_backend_dev_t, ggml_backend_event_t) {}
static ggml_backend_device_i d_i = { d_name, d_name, d_mem, d_type, d_props, d_init, d_buft, nullptr, nullptr, d_sup, d_supb, d_off, ev_new, ev_free, ev_sync };
static const char * r_name(ggml_backend_reg_t) { return "CUDA"; }
static size_t r_count(ggml_backend_reg_t) { return n_dev(); }
static ggml_backend_dev_t r_get(ggml_backend_reg_t, size_t i) { return DEV[i]; }
static void * r_proc(ggml_backend_reg_t, const char *) { return nullptr; }
extern "C" __attribute__((visibility("default"))) ggml_backend_reg_t ggml_backend_init(void) {
    REG = { GGML_BACKEND_API_VERSION, { r_name, r_count, r_get, r_proc }, nullptr };
    for (int i = 0; i < n_dev(); ++i) {
        auto * c = new dev_ctx{ i, "CUDA" + std::to_string(i) };
        DEV[i] = new ggml_backend_device{ d_i, &REG, c };
        BUFT[i] = { { buft_name, alloc_buffer, nullptr, get_alignment, nullptr, get_alloc_size, nullptr, is_host }, DEV[i], c };
    }
    return &REG;
}
extern "C" void ggml_backend_register(ggml_backend_reg_t reg);
__attribute__((constructor)) static void enter() { if (getenv("STAND_IN_CARDS")) ggml_backend_register(ggml_backend_init()); }
